extension World {
  /// The variables a deployment of `key` would receive now: own and shared references rendered, and
  /// those that the platform provides.
  func renderedVariables(of key: InstanceKey) -> [String: String] {
    guard let instance = instances[key] else { return [:] }
    var result = provided(for: key)
    for name in instance.variables.keys {
      result[name] = rendered(name, of: key, trail: [])
    }
    return result
  }

  /// The shared variables of an environment, rendered.
  func renderedShared(of environment: String) -> [String: String] {
    var result: [String: String] = [:]
    for (name, variable) in environments[environment]?.shared ?? [:] {
      result[name] = render(variable.value, in: InstanceKey(service: "", environment: environment), trail: [])
    }
    return result
  }

  /// What the platform tells every service about itself.
  func provided(for key: InstanceKey) -> [String: String] {
    guard let service = services[key.service], let environment = environments[key.environment],
      let project = projects[service.project]
    else { return [:] }
    var result = [
      "RAILWAY_PROJECT_ID": project.id, "RAILWAY_PROJECT_NAME": project.name,
      "RAILWAY_ENVIRONMENT_ID": environment.id, "RAILWAY_ENVIRONMENT_NAME": environment.name,
      "RAILWAY_ENVIRONMENT": environment.name, "RAILWAY_SERVICE_ID": service.id,
      "RAILWAY_SERVICE_NAME": service.name,
    ]
    if let instance = instances[key] {
      result["RAILWAY_PRIVATE_DOMAIN"] = "\(privateName(of: instance)).railway.internal"
    }
    if let address = instances[key]?.address { result["RAILWAY_PUBLIC_DOMAIN"] = address }
    return result
  }

  /// The references in a raw value: `NAMESPACE.NAME`, or `NAME` for the same service.
  static func references(in text: String) -> [String] {
    pieces(of: text).compactMap { if case .reference(let name) = $0 { name } else { nil } }
  }

  /// The instances of an environment whose variables refer to `name` of `service`, or shared when nil.
  func dependents(on names: Set<String>, of service: String?, in environment: String) -> [InstanceKey] {
    let namespace = service.flatMap { services[$0]?.name } ?? "shared"
    let wanted = Set(names.map { "\(namespace).\($0)" })
    return instances.values.filter { instance in
      instance.key.environment == environment && instance.key.service != service
        && instance.variables.values.contains { variable in
          World.references(in: variable.value).contains { wanted.contains($0) }
        }
    }.map(\.key).sorted { $0.service < $1.service }
  }

  private func rendered(_ name: String, of key: InstanceKey, trail: Set<String>) -> String {
    let place = "\(key.service).\(name)"
    // A cycle renders to nothing, like a missing variable.
    guard !trail.contains(place) else { return "" }
    if let variable = instances[key]?.variables[name] {
      return render(variable.value, in: key, trail: trail.union([place]))
    }
    return provided(for: key)[name] ?? ""
  }

  private func render(_ text: String, in key: InstanceKey, trail: Set<String>) -> String {
    var result = ""
    for piece in World.pieces(of: text) {
      switch piece {
      case .text(let text): result += text
      case .reference(let reference): result += resolve(reference, in: key, trail: trail)
      }
    }
    return result
  }

  private func resolve(_ reference: String, in key: InstanceKey, trail: Set<String>) -> String {
    guard let dot = reference.lastIndex(of: ".") else { return rendered(reference, of: key, trail: trail) }
    let namespace = String(reference[..<dot])
    let name = String(reference[reference.index(after: dot)...])
    if namespace == "shared" {
      let place = "shared.\(name)"
      guard !trail.contains(place), let variable = environments[key.environment]?.shared[name] else {
        return ""
      }
      return render(variable.value, in: key, trail: trail.union([place]))
    }
    let project = environments[key.environment]?.project
    guard
      let service = services.values.first(where: {
        $0.name == namespace && $0.project == project && $0.deletedAt == nil
      })
    else { return "" }
    return rendered(name, of: InstanceKey(service: service.id, environment: key.environment), trail: trail)
  }

  private enum Piece {
    case text(String)
    case reference(String)
  }

  private static func pieces(of text: String) -> [Piece] {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = range(of: "${{", in: rest), let close = range(of: "}}", in: rest[open.upperBound...]) {
      pieces.append(.text(String(rest[..<open.lowerBound])))
      let name = rest[open.upperBound..<close.lowerBound].filter { $0 != " " }
      pieces.append(.reference(String(name)))
      rest = rest[close.upperBound...]
    }
    pieces.append(.text(String(rest)))
    return pieces
  }

  private static func range(of mark: String, in text: Substring) -> Range<Substring.Index>? {
    var start = text.startIndex
    while start < text.endIndex {
      if text[start...].hasPrefix(mark) { return start..<text.index(start, offsetBy: mark.count) }
      start = text.index(after: start)
    }
    return nil
  }
}
