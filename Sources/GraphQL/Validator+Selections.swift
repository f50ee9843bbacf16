extension Validator {
  /// Checks what is selected on a type.
  mutating func check(_ selections: [Document.Selection], on type: Schema.Definition) {
    for selection in selections {
      switch selection {
      case .field(let field): check(field, on: type)
      case .spread(let spread):
        check(spread.directives, at: "FRAGMENT_SPREAD")
        uses.spreads.append(spread)
        guard let fragment = fragments[spread.name] else {
          report("Unknown fragment \"\(spread.name)\".", spread.position)
          continue
        }
        checkOverlap(type, fragment.type, "Fragment \"\(spread.name)\"", spread.position)
      case .inline(let inline):
        check(inline.directives, at: "INLINE_FRAGMENT")
        guard let condition = inline.type else {
          check(inline.selections, on: type)
          continue
        }
        if let inner = composite(condition, "Fragment", inline.position) {
          checkOverlap(type, condition, "Fragment", inline.position)
          check(inline.selections, on: inner)
        }
      }
    }
  }

  private mutating func checkOverlap(
    _ type: Schema.Definition, _ condition: String, _ what: String, _ position: TextPosition
  ) {
    guard schema.types[condition]?.isComposite == true else { return }
    if schema.possibleTypes(of: type.name).isDisjoint(with: schema.possibleTypes(of: condition)) {
      report(
        "\(what) cannot be spread here as objects of type \"\(type.name)\" can never be of type \"\(condition)\".",
        position)
    }
  }

  private mutating func check(_ field: Document.Field, on type: Schema.Definition) {
    check(field.directives, at: "FIELD")
    guard let declared = schema.field(field.name, of: type) else {
      report("Cannot query field \"\(field.name)\" on type \"\(type.name)\".", field.position)
      noteVariables(field)
      return
    }
    check(
      field.arguments, of: declared.arguments, on: "field \"\(type.name).\(field.name)\"",
      short: "Field \"\(field.name)\"", field.position)
    guard let result = schema.types[declared.type.name] else { return }
    if !result.isComposite, !field.selections.isEmpty {
      report(
        "Field \"\(field.name)\" must not have a selection since type \"\(declared.type)\" has no subfields.",
        field.position)
    } else if result.isComposite, field.selections.isEmpty {
      report(
        "Field \"\(field.name)\" of type \"\(declared.type)\" must have a selection of subfields.",
        field.position)
    } else {
      check(field.selections, on: result)
    }
  }

  /// Checks the names, presence and values of arguments.
  mutating func check(
    _ arguments: [Document.Argument], of declared: [String: Schema.Input], on owner: String, short: String,
    _ position: TextPosition
  ) {
    var seen: Set<String> = []
    for argument in arguments {
      if !seen.insert(argument.name).inserted {
        report("There can be only one argument named \"\(argument.name)\".", argument.position)
      }
      if let input = declared[argument.name] {
        check(argument.value, as: input.type, hasDefault: input.defaultValue != nil)
      } else {
        report("Unknown argument \"\(argument.name)\" on \(owner).", argument.position)
        noteVariables(argument.value)
      }
    }
    for input in declared.values.sorted(by: { $0.name < $1.name })
    where input.isRequired && !seen.contains(input.name) {
      report(
        "\(short) argument \"\(input.name)\" of type \"\(input.type)\" is required, but it was not provided.",
        position)
    }
  }

  /// Checks directives: known, allowed at this place, not repeated, with the right arguments.
  mutating func check(_ directives: [Document.Directive], at location: String) {
    var seen: Set<String> = []
    for directive in directives {
      guard let declared = schema.directives[directive.name] else {
        report("Unknown directive \"@\(directive.name)\".", directive.position)
        directive.arguments.forEach { noteVariables($0.value) }
        continue
      }
      if !declared.locations.contains(location) {
        report("Directive \"@\(directive.name)\" may not be used on \(location).", directive.position)
      }
      if !seen.insert(directive.name).inserted, !declared.isRepeatable {
        report("The directive \"@\(directive.name)\" can only be used once here.", directive.position)
      }
      check(
        directive.arguments, of: declared.arguments, on: "directive \"@\(directive.name)\"",
        short: "Directive \"@\(directive.name)\"", directive.position)
    }
  }
}
