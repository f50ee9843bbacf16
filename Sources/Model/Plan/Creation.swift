/// Makes one thing that the environment file names and a platform lacks. Nothing takes it back: shipit deletes nothing
/// by itself.
///
/// It holds names alone: what it stands in may be made by a step before it, so that ids are known only when it runs.
package struct Creation: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable {
    case project, environment, service
    /// A service out of a template of the platform's.
    case database
    case volume
    /// A host of the platform's own, which it names itself.
    case address
    /// A host of the file's.
    case domain
    /// A port of the service that the whole internet reaches, by TCP.
    case proxy
    /// The name of a service in the private network.
    case privateName
  }

  /// The account it is made in.
  package enum Account: Sendable, Hashable, Codable {
    case railway(RailwayTarget)
    case vercel(VercelTarget)

    package var platform: PlatformName {
      switch self {
      case .railway: .railway
      case .vercel: .vercel
      }
    }
  }

  package var kind: Kind
  package var account: Account
  /// On the platform: a name, a host, a path, a port; empty where the platform names it.
  package var name: String
  /// The service on the platform that it belongs to.
  package var owner: String?
  /// The service or database of the file, by its key.
  package var key: String?
  /// The code of a database's template.
  package var template: String?
  /// Where it is to be, in the platform's words.
  package var region: String?

  package init(
    _ kind: Kind, in account: Account, name: String, owner: String? = nil, key: String? = nil,
    template: String? = nil, region: String? = nil
  ) {
    self.kind = kind
    self.account = account
    self.name = name
    self.owner = owner
    self.key = key
    self.template = template
    self.region = region
  }
}

extension Creation {
  /// What an environment on Railway is made out of; nil: out of nothing.
  package var fork: RailwayFork? {
    guard kind == .environment, case .railway(let target) = account else { return nil }
    return target.fork
  }

  /// What it makes, for people: `the Railway service planning-engine`.
  package var words: String {
    let platform = account.platform.title
    let of = owner.map { " of \($0)" } ?? ""
    return switch kind {
    case .project: "the \(platform) project \(name)"
    case .environment: "the \(platform) environment \(name)" + (fork.map { " out of \($0.source)" } ?? "")
    case .service: "the \(platform) service \(name)"
    case .database: "the database \(name) from \(platform)'s template \(template ?? "?")"
    case .volume: "the volume\(of) at \(name)"
    case .address: "a \(platform) domain\(of)"
    case .domain: "the domain \(name)\(of)"
    case .proxy: "a TCP proxy\(of) to port \(name)"
    case .privateName: "the private name \(name)\(of)"
    }
  }
}

/// What a person has to do because no API can, with exactly what to enter.
package struct ManualTask: Sendable, Hashable, Codable {
  /// What for: `DNS of api.example.com`.
  package var title: String
  /// What to enter, one line each: `CNAME api.example.com → x.up.railway.app`.
  package var lines: [String]
  /// Who lets it be entered.
  package var place: String
  /// Nothing can be deployed before it is done.
  package var blocks: Bool

  package init(_ title: String, _ lines: [String], at place: String, blocks: Bool = false) {
    self.blocks = blocks
    self.title = title
    self.lines = lines
    self.place = place
  }
}

/// What the environment file names and a platform lacks.
package struct Shortfall: Sendable, Hashable {
  /// What is to be made.
  package var creations: [Creation]
  /// Services of which nothing is there.
  package var absent: Set<ServiceName>
  package var manual: [ManualTask]
  /// What a person should know.
  package var notes: [String]

  package init(
    creations: [Creation] = [], absent: Set<ServiceName> = [], manual: [ManualTask] = [],
    notes: [String] = []
  ) {
    self.creations = creations
    self.absent = absent
    self.manual = manual
    self.notes = notes
  }

  package mutating func add(_ other: Shortfall) {
    creations += other.creations
    absent.formUnion(other.absent)
    manual += other.manual
    notes += other.notes
  }
}

extension [ManualTask] {
  /// A numbered line each, with what to enter below it.
  package var lines: [String] {
    enumerated().flatMap { index, task in
      ["\(index + 1). manual: \(task.title), at \(task.place)"] + task.lines.map { "   \($0)" }
    }
  }

  /// Why a command ends with 9; nil when there is nothing to do.
  package func failure(_ environment: String) -> Failure? {
    guard !isEmpty else { return nil }
    return Failure(
      .waiting, "\(count == 1 ? "one thing waits" : "\(count) things wait") for a person",
      cause: lines.map { $0.trimmed }.joined(separator: "; "),
      hint: "do \(count == 1 ? "it" : "them"), then type shipit deploy \(environment) again: it looks anew")
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
