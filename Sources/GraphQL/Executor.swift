package import JSON

/// A request that passed validation: what an ``Executor`` runs.
package struct PreparedOperation: Sendable {
  package let document: Document
  package let operation: Document.Operation
  /// Coerced, defaults filled in.
  package let variables: [String: JSON]
}

extension Schema {
  /// Parses and validates a request and coerces its variables.
  /// - Throws: every reason not to execute it; a server answers 400 with its ``RequestRejection/json``.
  package func prepare(
    _ text: String, operationName: String? = nil, variables: [String: JSON] = [:]
  ) throws(RequestRejection) -> PreparedOperation {
    let document: Document
    do throws(GraphQLError) {
      document = try Document.parse(text)
    } catch {
      throw RequestRejection([error])
    }
    let problems = validate(document, operationName: operationName)
    guard problems.isEmpty else { throw RequestRejection(problems) }
    let operation: Document.Operation
    do throws(GraphQLError) {
      operation = try document.operation(named: operationName)
    } catch {
      throw RequestRejection([error])
    }
    return PreparedOperation(
      document: document, operation: operation, variables: try coerce(variables: variables, of: operation))
  }
}

/// Answers operations by asking for each root field, then takes from that answer what was selected.
///
/// Root fields are asked for one after the other, for queries too, so that what a server records has an
/// order. Of a subscription each event is one execution, whose root resolver returns that event's value.
package struct Executor: Sendable {
  /// Computes a root field from its arguments; throws ``ResolverError`` for an answer with an error.
  package typealias Root =
    @Sendable (_ field: String, _ arguments: [String: JSON]) async throws -> GraphQLNode

  private let schema: Schema
  private let root: Root

  package init(schema: Schema, root: @escaping Root) {
    self.schema = schema
    self.root = root
  }

  /// Runs an operation that was prepared by the same schema.
  /// - Returns: `{"data": …}`, with `errors` when a field failed or the resolver broke the schema's promises.
  package func execute(_ prepared: PreparedOperation) async -> JSON {
    guard let type = schema.root(of: prepared.operation.kind) else {
      let error = GraphQLError("The schema has no \(prepared.operation.kind.rawValue) operations.")
      return ["data": nil, "errors": [error.json]]
    }
    var projection = Projection(schema: schema, prepared: prepared)
    var members: [String: GraphQLNode] = [:]
    let root = root
    for name in type.fields.keys {
      members[name] = .field { arguments in try await root(name, arguments) }
    }
    let data = await projection.object(.object(members), type, [prepared.operation.selections], path: [])
    var answer: [String: JSON] = ["data": data ?? .null]
    if !projection.errors.isEmpty { answer["errors"] = .array(projection.errors.map(\.json)) }
    return .object(answer)
  }
}
