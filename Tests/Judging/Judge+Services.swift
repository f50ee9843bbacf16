import Adoption
import JSON
import Model

extension Judge {
  func expectedService(named name: String) -> JSON? {
    expected["services"]?.array?.first { $0["name"]?.string == name }
  }

  /// The drafted service that an expected one means.
  func service(named name: String) -> DraftService? {
    expectedService(named: name).flatMap(match) ?? draft.services.first { $0.key == name }
  }

  private func match(_ wanted: JSON) -> DraftService? {
    let config = wanted["config"]?.string ?? ""
    let name = wanted["name"]?.string ?? ""
    let platform = wanted["platform"]?.string ?? ""
    if let found = draft.services.first(where: { $0.configs.contains(config) && !config.isEmpty }) {
      return found
    }
    let root = wanted["root"]?.string ?? ""
    let home = root == "." ? "" : root
    return draft.services.first { $0.host.rawValue == platform && $0.home == home }
      ?? draft.services.first { $0.key == name }
      ?? draft.services.first { !home.isEmpty && $0.home == home }
      ?? (draft.services.count == 1 ? draft.services.first : nil)
  }

  mutating func services() {
    for wanted in expected["services"]?.array ?? [] {
      let name = wanted["name"]?.string ?? ""
      let grade = grade(wanted)
      guard let service = match(wanted) else {
        note(name, "service", grade, .missed, name)
        continue
      }
      let isWritten = service.standing == .written
      if isWritten, grade != .guess { matched.insert(service.key) }
      if grade == .guess {
        note(name, "service", grade, isWritten ? .invented : asks(service) ? .asked : .missed, name)
        continue
      }
      if isWritten ? entry(service) != nil : service.standing == .foreign && stands(service.evidence) {
        note(name, "service", grade, .found, name)
      } else {
        note(name, "service", grade, asks(service) ? .asked : .missed, name, "\(service.standing)")
      }
      place(wanted, service, name, grade)
      settings(wanted, service, name, grade)
    }
  }

  /// Whether a person hears of it.
  private func asks(_ service: DraftService) -> Bool {
    switch service.standing {
    case .written: false
    case .foreign: true
    case .asked: isAsked(service.key)
    // It is listed with its reason.
    case .off(let reason): !reason.isEmpty && stands(service.evidence)
    }
  }

  private mutating func place(
    _ wanted: JSON, _ service: DraftService, _ name: String, _ grade: Verdict.Grade
  ) {
    let entry = entry(service)
    let isNamed =
      (entry.map { $0.name == name || $0.key.rawValue == name || $0.name.hasSuffix("-\(name)") }
        ?? (service.key == name || service.name.value == name || service.name.value.hasSuffix("-\(name)")))
    note(
      name, "name", grade,
      isNamed ? .found : isAsked("names", service.key) && grade != .sure ? .asked : .missed,
      name, service.key)
    if let platform = wanted["platform"]?.string, platform != "unclear", platform != "none" {
      let isAsked = asks(service)
      note(
        name, "platform", grade,
        (entry.map { $0.platform.rawValue == platform } ?? (service.host.rawValue == platform))
          ? .found : isAsked ? .asked : .missed, platform,
        service.host.rawValue)
    }
    if let root = wanted["root"]?.string {
      let home = root == "." ? "" : root
      let context = wanted["build_context"]?.string == "." ? "" : home
      let isRight =
        service.context == context || (service.host == .vercel && service.home == home)
        || service.standing == .foreign && service.home == home
      let isKept = entry.map { entry in
        let (context, whole) = folders(entry.source)
        return context == service.context && (service.host != .vercel || whole == service.home)
      }
      note(
        name, "root", grade,
        isRight && isKept ?? true ? .found : isAsked("root directory", service.key) ? .asked : .missed,
        root,
        "\(service.context) (\(service.home))")
    }
    let files =
      [wanted["config"]?.string].compactMap { $0 } + (wanted["also"]?.array?.compactMap(\.string) ?? [])
    for file in files where !file.contains(" ") {
      note(
        name, "config", grade,
        service.configs.contains(file) && stands(Evidence(file))
          ? .found : isAsked(file, service.key) || isAsked(file) ? .asked : .missed, file,
        service.configs.joined(separator: ","))
    }
  }

  private mutating func settings(
    _ wanted: JSON, _ service: DraftService, _ name: String, _ grade: Verdict.Grade
  ) {
    let fields: [(String, SettingKey)] = [
      ("dockerfile", .dockerfile), ("build", .build), ("start", .start), ("pre_deploy", .preDeploy),
      ("cron", .cron), ("framework", .framework), ("install", .install), ("output", .output),
      ("app_id", .appID),
    ]
    for (field, key) in fields {
      let isSilent = service.silent.contains(key)
      guard let value = wanted[field]?.string else {
        if wanted[field]?.isNull == true, let actual = service.settings[key], !isSilent,
          service.standing == .written
        {
          note(name, field, .sure, .invented, "nothing", actual.value)
        }
        continue
      }
      let fieldGrade = self.grade(wanted, "\(field)_certainty", default: grade)
      let actual = service.settings[key]
      let source = wanted["\(field)_source"]?.string ?? ""
      let isRight = actual.map { isSame(value, $0, key, service) && isFrom(source, $0) } ?? false
      note(
        name, field, fieldGrade,
        isRight && isKept(key, service) ? .found : isAsked(field, service.key) ? .asked : .missed, value,
        actual?.value ?? "nil")
    }
    if let builder = wanted["builder"]?.string {
      let actual =
        service.settings[.builder]?.value ?? (service.settings[.dockerfile] != nil ? "dockerfile" : "nil")
      note(name, "builder", grade, actual == builder ? .found : .missed, builder, actual)
    }
    numbers(wanted, service, name, grade)
    health(wanted, service, name, grade)
  }

  private func isSame(
    _ wanted: String, _ actual: Sourced<String>, _ key: SettingKey, _ service: DraftService
  ) -> Bool {
    func plain(_ text: String) -> String {
      text.filter { !$0.isWhitespace && !"\"'".contains($0) }
    }
    if plain(wanted) == plain(actual.value) { return true }
    if key == .dockerfile {
      let whole = service.context.isEmpty ? actual.value : "\(service.context)/\(actual.value)"
      return whole == wanted || whole == (service.home.isEmpty ? wanted : "\(service.home)/\(wanted)")
    }
    // Some commands are described, not written out, or end in what makes no difference.
    if wanted.hasPrefix("same ") || wanted.contains("(see ") || wanted == "package.json build script" {
      return true
    }
    let parts = wanted.split(separator: ":", maxSplits: 1).last.map(String.init) ?? wanted
    if wanted.hasPrefix("vercel-build script") {
      return parts.split(separator: "&").allSatisfy { plain(actual.value).contains(plain(String($0))) }
    }
    let (one, two) = (plain(actual.value), plain(wanted))
    return one.hasPrefix(two) || one == "sh-c" + two
  }

  /// Whether a fact comes from the file that is named for it, and stands there.
  private func isFrom(_ source: String, _ fact: Sourced<String>) -> Bool {
    guard stands(fact.evidence) else { return false }
    let words = source.split { $0 == " " || $0 == "," || $0 == "(" || $0 == ")" }.map(String.init)
    let files = words.filter { $0.contains(".") || $0.hasPrefix("Dockerfile") || $0 == "Procfile" }
    guard !files.isEmpty else { return true }
    return files.contains {
      fact.evidence.file == $0 || fact.evidence.file.hasSuffix("/" + $0)
        || fact.evidence.file.split(separator: "/").last?.contains($0) == true
    }
  }

  /// Whether the file has the setting under its key, with this value. What the platform finds by itself has none on
  /// purpose, and what a service has that is not written yet stands behind `#`.
  private func isKept(_ key: SettingKey, _ service: DraftService) -> Bool {
    guard let entry = entry(service), !service.silent.contains(key), let fact = service.settings[key] else {
      return true
    }
    let settings = entry.settings
    func plain(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    func seconds(_ duration: Duration?) -> String? { duration.map { "\($0.components.seconds)s" } }
    let kept: String?
    switch key {
    case .build: kept = settings.build
    case .start: kept = settings.start
    case .preDeploy: kept = settings.preDeploy?.joined(separator: "\n")
    case .dockerfile: kept = settings.dockerfile
    case .builder: kept = fact.value == "dockerfile" ? fact.value : settings.builder
    case .cron: kept = settings.cron
    case .framework: kept = settings.framework
    case .install: kept = settings.install
    case .output: kept = settings.output
    case .overlap: kept = seconds(settings.overlap)
    case .drain: kept = seconds(settings.drain)
    case .restart: kept = settings.restart?.rawValue
    case .restartLimit: kept = settings.restartLimit.map { "\($0)" }
    case .replicas: kept = settings.replicas.map { "\($0)" }
    case .region: kept = settings.region
    case .healthPath: kept = entry.health.path
    case .healthTimeout: kept = entry.health.path == nil ? nil : seconds(entry.health.within)
    case .appID: kept = written?.platforms.encore?.app
    // Facts that the language has no word for: they are comments, and told besides.
    default: return true
    }
    return kept.map { plain($0) == plain(fact.value) } ?? false
  }

  private func folders(_ source: ServiceSource) -> (String, String?) {
    func plain(_ path: String) -> String {
      path == "." ? "" : path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    }
    guard case .directory(let path, let root, _) = source else { return ("?", nil) }
    let whole = root.map { plain(path).isEmpty ? plain($0) : plain(path) + "/" + plain($0) } ?? plain(path)
    return (plain(path), whole)
  }

  private mutating func numbers(
    _ wanted: JSON, _ service: DraftService, _ name: String, _ grade: Verdict.Grade
  ) {
    var pairs: [(String, String?, SettingKey)] = [
      ("overlap", wanted["overlap_seconds"]?.int.map { "\($0)s" }, .overlap),
      ("drain", wanted["draining_seconds"]?.int.map { "\($0)s" }, .drain),
      (
        "restart", wanted["restart"]?["policy"]?.string.map { $0 == "on_failure" ? "on-failure" : $0 },
        .restart
      ),
      ("restart limit", wanted["restart"]?["max_retries"]?.int.map { "\($0)" }, .restartLimit),
      ("regions", wanted["regions"]?.array.map { $0.compactMap(\.string).joined(separator: ",") }, .region),
      ("crons", wanted["crons"]?.int.map { "\($0)" }, .crons),
      ("git deploys", wanted["git_deploys"]?.bool.map { "\($0)" }, .gitDeploys),
      ("watch", wanted["watch"]?.array.map { $0.compactMap(\.string).joined(separator: "\n") }, .watch),
    ]
    let replicas = wanted["replicas"]
    pairs.append(
      ("replicas", (replicas?.int ?? replicas?["production"]?.int).map { "\($0)" }, .replicas))
    for (field, value, key) in pairs {
      guard let value else { continue }
      let actual = service.settings[key]?.value
      // One instance is what every platform begins with.
      let isRight =
        actual == value && stands(service.settings[key]?.evidence) && isKept(key, service)
        || (key == .replicas && value == "1" && actual == nil)
      note(name, field, grade, isRight ? .found : .missed, value, actual ?? "nil")
    }
  }

  private mutating func health(
    _ wanted: JSON, _ service: DraftService, _ name: String, _ grade: Verdict.Grade
  ) {
    let actual = service.settings[.healthPath]?.value
    guard let path = wanted["health"]?["path"]?.string else {
      if wanted["health"]?.isNull == true, let actual, service.standing == .written {
        note(name, "health", .sure, .invented, "nothing", actual)
      }
      return
    }
    note(
      name, "health", grade,
      actual == path && stands(service.settings[.healthPath]?.evidence) && isKept(.healthPath, service)
        ? .found : isAsked("health", service.key) ? .asked : .missed,
      path,
      actual ?? "nil")
    if let seconds = wanted["health"]?["timeout_seconds"]?.int {
      let timeout = service.settings[.healthTimeout]?.value
      note(
        name, "health.timeout", grade,
        timeout == "\(seconds)s" && isKept(.healthTimeout, service) ? .found : .missed, "\(seconds)s",
        timeout ?? "nil")
    }
  }
}
