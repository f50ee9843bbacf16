/// How a service is built and run. A nil field is not managed: the platform keeps what it has.
package struct ServiceSettings: Sendable, Hashable, Codable {
  package enum Restart: String, Sendable, Hashable, Codable {
    case onFailure = "on-failure"
    case always, never
  }

  package var build: String?
  package var start: String?
  package var preDeploy: [String]?
  package var dockerfile: String?
  package var builder: String?
  package var root: String?
  package var replicas: Int?
  package var region: String?
  /// Bytes.
  package var memory: Int64?
  /// Virtual CPUs.
  package var cpu: Double?
  package var overlap: Duration?
  package var drain: Duration?
  package var restart: Restart?
  package var restartLimit: Int?
  /// Five fields, UTC.
  package var cron: String?
  /// Suspend when idle.
  package var sleep: Bool?
  /// The framework preset, the install command, the build's output and the version of Node: Vercel's.
  package var framework: String?
  package var install: String?
  package var output: String?
  package var node: String?
  /// Given by `volume`: which schedules of backups its volume has, in the order of `BackupSchedule`.
  package var backups: [BackupSchedule]?
  /// Given by `health`: the platform's own gate.
  package var healthPath: String?
  package var healthTimeout: Duration?

  /// A schedule of a platform's own copies of a volume (contract railway §10.2).
  package enum BackupSchedule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Kept for 6 days, a month, and three months.
    case daily, weekly, monthly
  }

  /// Settings that are written without a deployment, and take effect without one.
  package static let withoutDeployment: Set<String> = ["backups"]

  package init() {}

  /// The fields that are managed here and differ from `observed`, by name, with both values as text.
  package func differences(from observed: ServiceSettings) -> [SettingChange] {
    var changes: [SettingChange] = []
    func compare<Value: Equatable>(
      _ name: String, _ wanted: Value?, _ current: Value?, _ show: (Value) -> String
    ) {
      guard let wanted, wanted != current else { return }
      changes.append(SettingChange(name: name, from: current.map(show), to: show(wanted)))
    }
    func text(_ value: String) -> String { value }
    func seconds(_ value: Duration) -> String { "\(value.components.seconds)s" }
    compare("build", build, observed.build, text)
    compare("start", start, observed.start, text)
    compare("pre-deploy", preDeploy, observed.preDeploy) { $0.joined(separator: " && ") }
    compare("dockerfile", dockerfile, observed.dockerfile, text)
    compare("builder", builder, observed.builder, text)
    compare("root", root, observed.root, text)
    compare("replicas", replicas, observed.replicas, String.init)
    compare("region", region, observed.region, text)
    compare("memory", memory, observed.memory, ServiceSettings.size)
    compare("cpu", cpu, observed.cpu) { "\($0)" }
    compare("overlap", overlap, observed.overlap, seconds)
    compare("drain", drain, observed.drain, seconds)
    compare("restart", restart, observed.restart, \.rawValue)
    compare("restart-limit", restartLimit, observed.restartLimit, String.init)
    compare("cron", cron, observed.cron, text)
    compare("sleep", sleep, observed.sleep) { "\($0)" }
    compare("framework", framework, observed.framework, text)
    compare("install", install, observed.install, text)
    compare("output", output, observed.output, text)
    compare("node", node, observed.node, text)
    compare("backups", backups, observed.backups) { schedules in
      schedules.isEmpty ? "none" : schedules.map(\.rawValue).joined(separator: ", ")
    }
    compare("health path", healthPath, observed.healthPath, text)
    compare("health timeout", healthTimeout, observed.healthTimeout, seconds)
    return changes
  }
}

/// One setting that a plan changes.
package struct SettingChange: Sendable, Hashable, Codable {
  package var name: String
  package var from: String?
  package var to: String
  /// What shipit had written, where somebody has changed it by hand since; nil: nobody has.
  package var recorded: String?

  package init(name: String, from: String?, to: String, recorded: String? = nil) {
    self.name = name
    self.from = from
    self.to = to
    self.recorded = recorded
  }
}
