/// Checks a document against a schema, collecting every problem.
///
/// One walk over each operation and fragment notes which variables and fragments it uses and where;
/// questions that cross fragments are answered from those notes afterwards.
struct Validator {
  let schema: Schema
  let document: Document
  let fragments: [String: Document.Fragment]
  var errors: [GraphQLError] = []
  /// What the definition that is being walked uses.
  var uses = Uses()

  /// The variables and fragments that one operation or fragment mentions itself.
  struct Uses {
    var variables: [VariableUse] = []
    var spreads: [Document.Spread] = []
  }

  /// A variable at a place that wants a type.
  struct VariableUse {
    var name: String
    var type: TypeReference
    /// Whether the place has a default of its own.
    var hasDefault: Bool
    var position: TextPosition
  }

  init(schema: Schema, document: Document) {
    self.schema = schema
    self.document = document
    fragments = Dictionary(
      document.fragments.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func report(_ message: String, _ position: TextPosition) {
    errors.append(GraphQLError(message, at: position))
  }

  /// Walks the whole document.
  mutating func validate() {
    checkNames()
    var usesOfFragments: [String: Uses] = [:]
    for fragment in document.fragments {
      uses = Uses()
      check(fragment)
      usesOfFragments[fragment.name] = uses
    }
    let cyclic = checkCycles(usesOfFragments)
    var reached: Set<String> = []
    for operation in document.operations {
      uses = Uses()
      check(operation)
      let all = closure(uses, usesOfFragments, reached: &reached)
      checkVariables(of: operation, uses: all)
      if !cyclic, let root = schema.root(of: operation.kind) {
        checkConflicts([(root.name, operation.selections)])
        if operation.kind == .subscription { checkSingleRoot(operation) }
      }
    }
    for fragment in document.fragments where !reached.contains(fragment.name) {
      report("Fragment \"\(fragment.name)\" is never used.", fragment.position)
    }
  }

  private mutating func checkNames() {
    var seen: Set<String> = []
    for operation in document.operations {
      if let name = operation.name {
        if !seen.insert(name).inserted {
          report("There can be only one operation named \"\(name)\".", operation.position)
        }
      } else if document.operations.count > 1 {
        report("This anonymous operation must be the only defined operation.", operation.position)
      }
    }
    seen = []
    for fragment in document.fragments where !seen.insert(fragment.name).inserted {
      report("There can be only one fragment named \"\(fragment.name)\".", fragment.position)
    }
  }

  private mutating func check(_ operation: Document.Operation) {
    check(operation.directives, at: operation.kind.rawValue.uppercased())
    for variable in operation.variables { check(variable.directives, at: "VARIABLE_DEFINITION") }
    guard let root = schema.root(of: operation.kind) else {
      report("The schema has no \(operation.kind.rawValue) operations.", operation.position)
      return
    }
    check(operation.selections, on: root)
  }

  private mutating func check(_ fragment: Document.Fragment) {
    check(fragment.directives, at: "FRAGMENT_DEFINITION")
    if let type = composite(fragment.type, "Fragment \"\(fragment.name)\"", fragment.position) {
      check(fragment.selections, on: type)
    }
  }

  /// The type of a fragment's condition, reported when there is none or it has no fields.
  mutating func composite(_ name: String, _ what: String, _ position: TextPosition) -> Schema.Definition? {
    guard let type = schema.types[name] else {
      report("Unknown type \"\(name)\".", position)
      return nil
    }
    guard type.isComposite else {
      report("\(what) cannot condition on non composite type \"\(name)\".", position)
      return nil
    }
    return type
  }

  /// Reports fragments that contain themselves, and says whether there are any.
  private mutating func checkCycles(_ uses: [String: Uses]) -> Bool {
    var finished: Set<String> = []
    var found = false
    func visit(_ name: String, _ trail: [String], _ report: (Document.Spread) -> Void) {
      guard !finished.contains(name) else { return }
      for spread in uses[name]?.spreads ?? [] {
        if spread.name == name || trail.contains(spread.name) {
          report(spread)
        } else {
          visit(spread.name, trail + [name], report)
        }
      }
      finished.insert(name)
    }
    var cycles: [Document.Spread] = []
    for fragment in document.fragments { visit(fragment.name, []) { cycles.append($0) } }
    for spread in cycles {
      found = true
      report("Cannot spread fragment \"\(spread.name)\" within itself.", spread.position)
    }
    return found
  }

  /// What is used directly and through fragments; adds the fragments met to `reached`.
  private func closure(_ own: Uses, _ fragments: [String: Uses], reached: inout Set<String>) -> Uses {
    var all = own
    var seen: Set<String> = []
    var pending = own.spreads
    while let spread = pending.popLast() {
      guard seen.insert(spread.name).inserted, let more = fragments[spread.name] else { continue }
      all.variables += more.variables
      pending += more.spreads
    }
    reached.formUnion(seen)
    return all
  }

  private mutating func checkSingleRoot(_ operation: Document.Operation) {
    guard let root = schema.root(of: .subscription) else { return }
    if collect([(root.name, operation.selections)]).count != 1 {
      let name = operation.name.map { " \"\($0)\"" } ?? ""
      report("Subscription\(name) must select only one top level field.", operation.position)
    }
  }
}

extension Schema {
  /// Every problem of the document in itself; empty when it is valid.
  package func validate(_ document: Document) -> [GraphQLError] {
    var validator = Validator(schema: self, document: document)
    validator.validate()
    return validator.errors
  }

  /// Every problem of the document, and of choosing an operation from it.
  package func validate(_ document: Document, operationName: String?) -> [GraphQLError] {
    var errors = validate(document)
    do throws(GraphQLError) {
      _ = try document.operation(named: operationName)
    } catch {
      errors.append(error)
    }
    return errors
  }
}
