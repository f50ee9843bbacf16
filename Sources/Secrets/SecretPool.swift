import Concurrency
package import Model

/// What the secret sources of an environment have of the names that were wanted. They were asked in the order of the
/// file; the first that has a name wins, and one is asked only while a name is still missing (DESIGN §3).
package struct SecretPool: Sendable {
  /// The sources, in the order of the file, to write to.
  package let sources: [any SecretSource]
  /// What the user should mend: files that others of this machine may read.
  package private(set) var warnings: [String] = []
  /// Why a source could not be asked. Those after it were not asked either: they may hold an older value of a name
  /// that it has (contract secrets §1.9).
  package private(set) var failure: Failure?
  /// Where it was looked, for messages.
  private(set) var places: [String] = []
  private var readings: [String: SecretReading] = [:]
  private var holders: [String: Int] = [:]
  private let credentials = Locked<[String: Sensitive]>([:])

  /// Asks for every secret that an environment uses.
  package static func open(
    _ environment: Environment, _ access: SecretAccess
  ) async -> SecretPool {
    await open(environment.secrets, wanting: SecretUses(environment).all, access)
  }

  /// Asks for the names. It never fails as a whole: what a source that cannot be asked would have is known only
  /// where it is needed, and then `failure` is what is thrown.
  package static func open(
    _ settings: SecretSettings, wanting names: Set<String>, _ access: SecretAccess
  ) async -> SecretPool {
    var pool = SecretPool(settings, access)
    await pool.ask(names)
    return pool
  }

  /// The variables of a process alone.
  package init(process: [String: String]) {
    sources = [EnvironmentSource(process: process, keepsEmpty: true)]
    places = ["the environment of shipit"]
    readings = process.mapValues { SecretReading(Sensitive($0)) }
    holders = process.mapValues { _ in 0 }
  }

  private init(_ settings: SecretSettings, _ access: SecretAccess) {
    var sources: [any SecretSource] = []
    for (index, setting) in settings.sources.enumerated() {
      let earlier = EarlierSources(sources: sources, seen: credentials)
      sources.append(
        SecretPool.source(setting, earlier, access, isLast: index == settings.sources.count - 1))
    }
    self.sources = sources
  }

  private mutating func ask(_ wanted: Set<String>) async {
    for (index, source) in sources.enumerated() {
      let missing = wanted.filter { readings[$0] == nil }
      guard !missing.isEmpty else { return }
      do throws(Failure) {
        let answer = try await source.read(missing)
        places.append(source.description + (answer.note.map { ", \($0)" } ?? ""))
        warnings += answer.warnings
        for (name, reading) in answer.readings where missing.contains(name) {
          readings[name] = reading
          holders[name] = index
        }
      } catch {
        failure = error
        return
      }
    }
  }

  /// The value of a name, also an empty one.
  package subscript(name: String) -> Sensitive? { readings[name]?.value }

  /// Where a name's value was found.
  package func origin(of name: String) -> SecretOrigin? {
    holders[name].map { SecretOrigin(source: sources[$0].description, version: readings[name]?.version) }
  }

  /// The source that a name's value was found in.
  package func source(of name: String) -> (any SecretSource)? { holders[name].map { sources[$0] } }

  /// What was read to reach the sources, for the redactor.
  var credentialsRead: [String: Sensitive] { credentials.withLock { $0 } }
}
