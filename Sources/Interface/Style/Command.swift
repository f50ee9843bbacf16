package import Model

/// The command lines that messages tell people to type, all spelled here.
package enum NextCommand {
  package static func deploy(_ environment: String) -> String { "shipit deploy \(environment)" }
  package static func plan(_ environment: String) -> String { "shipit plan \(environment)" }
  package static func status(_ environment: String) -> String { "shipit status \(environment)" }
  package static func settle(_ environment: String) -> String { "shipit settle \(environment)" }
  package static func history(_ environment: String) -> String { "shipit history \(environment)" }
  package static func rollback(_ environment: String) -> String { "shipit rollback \(environment)" }
  package static func doctor(_ environment: String) -> String { "shipit doctor \(environment)" }

  package static func logs(_ environment: String, _ service: ServiceName) -> String {
    "shipit logs \(environment) \(service)"
  }

  package static func why(_ environment: String, _ run: RunID) -> String {
    "shipit why \(environment) \(run)"
  }
}
