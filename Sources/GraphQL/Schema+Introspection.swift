package import JSON

extension Schema {
  /// Reads the answer of a standard introspection query, with or without its `data` envelope.
  ///
  /// What is deprecated counts like anything else.
  /// - Throws: what is missing in the answer or does not hold together.
  package init(introspection: JSON) throws(GraphQLError) {
    guard let schema = introspection["data"]?["__schema"] ?? introspection["__schema"] else {
      throw GraphQLError("The introspection result has no \"__schema\".")
    }
    var definitions: [Definition] = []
    for type in schema["types"]?.array ?? [] {
      let definition = try Self.definition(type)
      if !definition.name.hasPrefix("__") { definitions.append(definition) }
    }
    var directives: [Directive] = []
    for directive in schema["directives"]?.array ?? [] {
      directives.append(
        Directive(
          name: try Self.name(directive, "directive"), arguments: try Self.inputs(directive["args"]),
          locations: Set(directive["locations"]?.array?.compactMap(\.string) ?? []),
          isRepeatable: directive["isRepeatable"]?.bool ?? false))
    }
    try self.init(
      definitions: definitions, directives: directives,
      query: schema["queryType"]?["name"]?.string ?? "Query",
      mutation: schema["mutationType"]?["name"]?.string,
      subscription: schema["subscriptionType"]?["name"]?.string)
  }

  private static func definition(_ json: JSON) throws(GraphQLError) -> Definition {
    let name = try name(json, "type")
    guard let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)) else {
      throw GraphQLError("Type \"\(name)\" of the introspection result has no known kind.")
    }
    var definition = Definition(name: name, kind: kind, description: json["description"]?.string)
    for field in json["fields"]?.array ?? [] {
      let fieldName = try Self.name(field, "field of \"\(name)\"")
      definition.fields[fieldName] = Field(
        name: fieldName, type: try type(field["type"]), arguments: try inputs(field["args"]),
        description: field["description"]?.string)
    }
    definition.inputs = try inputs(json["inputFields"])
    definition.interfaces = json["interfaces"]?.array?.compactMap { $0["name"]?.string } ?? []
    if kind == .union {
      definition.members = json["possibleTypes"]?.array?.compactMap { $0["name"]?.string } ?? []
    }
    definition.values = json["enumValues"]?.array?.compactMap { $0["name"]?.string } ?? []
    definition.isOneOf = json["isOneOf"]?.bool ?? false
    return definition
  }

  private static func name(_ json: JSON, _ what: String) throws(GraphQLError) -> String {
    guard let name = json["name"]?.string else {
      throw GraphQLError("A \(what) of the introspection result has no name.")
    }
    return name
  }

  private static func inputs(_ json: JSON?) throws(GraphQLError) -> [String: Input] {
    var result: [String: Input] = [:]
    for input in json?.array ?? [] {
      let name = try name(input, "input")
      var defaultValue: JSON?
      if let text = input["defaultValue"]?.string { defaultValue = try Document.parseConstant(text).json() }
      result[name] = Input(name: name, type: try type(input["type"]), defaultValue: defaultValue)
    }
    return result
  }

  private static func type(_ json: JSON?) throws(GraphQLError) -> TypeReference {
    switch (json?["kind"]?.string, json?["ofType"]) {
    case ("NON_NULL", let inner?): .nonNull(try type(inner))
    case ("LIST", let inner?): .list(try type(inner))
    default: .named(try name(json ?? .null, "type reference"))
    }
  }
}
