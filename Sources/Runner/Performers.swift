package import Concurrency
package import Model

/// The adapters of a run, by what they carry out.
package struct Performers: Sendable {
  package var platforms: [PlatformName: any Platform]
  package var probing: any StepPerformer
  package var commands: any StepPerformer
  /// Builds container images here.
  package var images: (any StepPerformer)?
  /// Changes the schemas of databases.
  package var databases: (any StepPerformer)?
  /// Copies databases, and puts copies in their place.
  package var backups: (any StepPerformer)?
  /// Writes secrets of GitHub Actions.
  package var actionsSecrets: (any StepPerformer)?

  package init(
    platforms: [PlatformName: any Platform], probing: any StepPerformer, commands: any StepPerformer,
    images: (any StepPerformer)? = nil, databases: (any StepPerformer)? = nil,
    backups: (any StepPerformer)? = nil, actionsSecrets: (any StepPerformer)? = nil
  ) {
    self.platforms = platforms
    self.probing = probing
    self.commands = commands
    self.images = images
    self.databases = databases
    self.backups = backups
    self.actionsSecrets = actionsSecrets
  }

  /// Who carries a step out; nil when no adapter for it is at hand.
  func performer(of step: Step) -> (any StepPerformer)? {
    switch step.action.performer {
    case .platform(let name): platforms[name]
    case .probing: probing
    case .commands: commands
    case .images: images
    case .databases: databases
    case .backups: backups
    case .actionsSecrets: actionsSecrets
    }
  }
}

/// The outside world of a run, as values: time, tasks, randomness, and who watches.
package struct RunSurroundings: Sendable {
  package var clock: any TimeSource
  package var spawn: Spawner
  package var random: @Sendable () -> UInt64
  /// Takes secrets out of text that leaves the process.
  package var redact: @Sendable (String) -> String
  package var watch: @Sendable (RunEvent) -> Void

  package init(
    clock: any TimeSource, spawn: Spawner = .tasks,
    random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) },
    redact: @escaping @Sendable (String) -> String = { $0 },
    watch: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) {
    self.clock = clock
    self.spawn = spawn
    self.random = random
    self.redact = redact
    self.watch = watch
  }
}
