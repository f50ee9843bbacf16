import Model

/// The write that puts changed settings back as they were.
enum SettingsUndo {
  static func write(target: ServiceTarget, _ changes: [SettingChange], observed: ServiceSettings)
    -> SettingsWrite
  {
    var back = ServiceSettings()
    for change in changes {
      switch change.name {
      case "build": back.build = observed.build
      case "start": back.start = observed.start
      case "pre-deploy": back.preDeploy = observed.preDeploy
      case "dockerfile": back.dockerfile = observed.dockerfile
      case "builder": back.builder = observed.builder
      case "root": back.root = observed.root
      case "replicas": back.replicas = observed.replicas
      case "region": back.region = observed.region
      case "memory": back.memory = observed.memory
      case "cpu": back.cpu = observed.cpu
      case "overlap": back.overlap = observed.overlap
      case "drain": back.drain = observed.drain
      case "restart": back.restart = observed.restart
      case "restart-limit": back.restartLimit = observed.restartLimit
      case "cron": back.cron = observed.cron
      case "sleep": back.sleep = observed.sleep
      case "framework": back.framework = observed.framework
      case "install": back.install = observed.install
      case "output": back.output = observed.output
      case "node": back.node = observed.node
      case "backups": back.backups = observed.backups
      case "health path": back.healthPath = observed.healthPath
      case "health timeout": back.healthTimeout = observed.healthTimeout
      default: break
      }
    }
    let reversed = changes.compactMap { change in
      change.from.map { SettingChange(name: change.name, from: change.to, to: $0) }
    }
    return SettingsWrite(
      target: target, settings: back, changes: reversed, clear: changes.filter { $0.from == nil }.map(\.name))
  }
}
