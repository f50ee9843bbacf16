package import JSON

extension Schema {
  /// The variables of a request as its operation declares them, with defaults filled in.
  ///
  /// Variables that the operation does not declare are dropped. The operation must be validated.
  /// - Throws: every value that does not fit, as a ``RequestRejection``.
  package func coerce(
    variables: [String: JSON], of operation: Document.Operation
  ) throws(RequestRejection) -> [String: JSON] {
    var errors: [GraphQLError] = []
    var result: [String: JSON] = [:]
    for variable in operation.variables {
      let shown = "Variable \"$\(variable.name)\""
      guard let given = variables[variable.name] ?? variable.defaultValue?.json() else {
        if variable.type.isNonNull {
          errors.append(
            GraphQLError(
              "\(shown) of required type \"\(variable.type)\" was not provided.", at: variable.position))
        }
        continue
      }
      if given.isNull, variable.type.isNonNull {
        errors.append(
          GraphQLError(
            "\(shown) of non-null type \"\(variable.type)\" must not be null.", at: variable.position))
        continue
      }
      var coercion = InputCoercion(schema: self)
      result[variable.name] = coercion.coerce(given, as: variable.type, path: [])
      for problem in coercion.problems {
        let joint = problem.hasPrefix("at ") ? " " : "; "
        errors.append(GraphQLError("\(shown) got invalid value\(joint)\(problem)", at: variable.position))
      }
    }
    guard errors.isEmpty else { throw RequestRejection(errors) }
    return result
  }

  /// The arguments of a field with variables put in and defaults filled in.
  func arguments(
    _ arguments: [Document.Argument], of declared: [String: Input], variables: [String: JSON]
  ) throws(ResolverError) -> [String: JSON] {
    var result: [String: JSON] = [:]
    for input in declared.values {
      let literal = arguments.first { $0.name == input.name }?.value
      guard let value = literal?.json(variables: variables) ?? input.defaultValue else {
        if input.isRequired {
          throw ResolverError(
            "Argument \"\(input.name)\" of required type \"\(input.type)\" was not provided.")
        }
        continue
      }
      var coercion = InputCoercion(schema: self)
      result[input.name] = coercion.coerce(value, as: input.type, path: [])
      if let problem = coercion.problems.first {
        throw ResolverError("Argument \"\(input.name)\" has an invalid value: \(problem)")
      }
    }
    return result
  }
}
