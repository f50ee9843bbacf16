/// How the configuration of two environments differs, for a promotion from one to the other: values of texts,
/// secrets by presence alone.
package struct ConfigurationDifference: Sendable, Hashable, Codable {
  package struct Entry: Sendable, Hashable, Codable {
    package var name: String
    /// Nil: not there.
    package var from: String?
    package var to: String?

    package init(name: String, from: String?, to: String?) {
      self.name = name
      self.from = from
      self.to = to
    }
  }

  package struct ServiceEntry: Sendable, Hashable, Codable {
    package var service: ServiceName
    package var variables: [Entry]
    /// Settings and domains.
    package var settings: [Entry]
  }

  /// Services of both that differ, in the order of the second environment.
  package var services: [ServiceEntry]
  package var onlyInFirst: [ServiceName]
  package var onlyInSecond: [ServiceName]
  /// The rules of `protect`.
  package var protect: [Entry]

  package init(from first: Environment, to second: Environment) {
    services = second.services.compactMap { service in
      guard let other = first.service(service.key) else { return nil }
      let entry = ServiceEntry(
        service: service.key, variables: Self.variables(other, service),
        settings: Self.settings(other, service))
      return entry.variables.isEmpty && entry.settings.isEmpty ? nil : entry
    }
    onlyInFirst = first.services.map(\.key).filter { second.service($0) == nil }
    onlyInSecond = second.services.map(\.key).filter { first.service($0) == nil }
    protect = [
      Entry(name: "branch", from: first.protect.branch, to: second.protect.branch),
      Entry(name: "after", from: first.protect.after, to: second.protect.after),
      Entry(
        name: "approval", from: Self.approval(first.protect.approval),
        to: Self.approval(second.protect.approval)),
      Entry(name: "freeze", from: Self.freezes(first.protect), to: Self.freezes(second.protect)),
      Entry(
        name: "deadline", from: Self.seconds(first.protect.deadline),
        to: Self.seconds(second.protect.deadline)),
    ].filter { $0.from != $0.to }
  }

  private static func approval(_ rule: ApprovalRule?) -> String? {
    rule.map { "\($0.count) of \($0.by.joined(separator: ", "))" }
  }

  private static func freezes(_ protect: Protection) -> String? {
    protect.freezes.isEmpty ? nil : protect.freezes.map(\.words).joined(separator: "; ")
  }

  private static func seconds(_ duration: Duration) -> String { "\(duration.components.seconds)s" }

  private static func variables(_ first: Service, _ second: Service) -> [Entry] {
    Set(first.variables.keys).union(second.variables.keys).sorted().compactMap { name in
      let entry = Entry(
        name: name, from: first.variables[name].map(shown), to: second.variables[name].map(shown))
      return entry.from == entry.to ? nil : entry
    }
  }

  private static func shown(_ value: VariableValue) -> String {
    switch value {
    case .secret: "a secret"
    case .text(let template): template.rendered { (reference) in reference.description }
    }
  }

  private static func settings(_ first: Service, _ second: Service) -> [Entry] {
    var entries: [String: Entry] = [:]
    for change in second.settings.differences(from: first.settings) {
      entries[change.name] = Entry(name: change.name, from: change.from, to: change.to)
    }
    for change in first.settings.differences(from: second.settings) where entries[change.name] == nil {
      entries[change.name] = Entry(name: change.name, from: change.to, to: change.from)
    }
    if first.domains != second.domains {
      func list(_ domains: [String]) -> String? { domains.isEmpty ? nil : domains.joined(separator: ", ") }
      entries["domains"] = Entry(name: "domains", from: list(first.domains), to: list(second.domains))
    }
    return entries.values.sorted { $0.name < $1.name }
  }
}
