import Adoption
import JSON

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
        note(name, "service", grade, isAsked(name) ? .asked : .missed, name)
        continue
      }
      let isWritten = service.standing == .written
      if isWritten, grade != .guess { matched.insert(service.key) }
      if grade == .guess {
        note(name, "service", grade, isWritten ? .invented : asks(service) ? .asked : .missed, name)
        continue
      }
      if isWritten || service.standing == .foreign {
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
    case .off: said.contains(service.key)
    }
  }

  private mutating func place(
    _ wanted: JSON, _ service: DraftService, _ name: String, _ grade: Verdict.Grade
  ) {
    let isNamed =
      service.key == name || service.name.value == name || service.name.value.hasSuffix("-\(name)")
    note(
      name, "name", grade,
      isNamed ? .found : isAsked("names", service.key) && grade != .sure ? .asked : .missed,
      name, service.key)
    if let platform = wanted["platform"]?.string, platform != "unclear", platform != "none" {
      let isAsked = asks(service)
      note(
        name, "platform", grade,
        service.host.rawValue == platform ? .found : isAsked ? .asked : .missed, platform,
        service.host.rawValue)
    }
    if let root = wanted["root"]?.string {
      let home = root == "." ? "" : root
      let context = wanted["build_context"]?.string == "." ? "" : home
      let isRight =
        service.context == context || (service.host == .vercel && service.home == home)
        || service.standing == .foreign && service.home == home
      note(
        name, "root", grade, isRight ? .found : isAsked("root directory", service.key) ? .asked : .missed,
        root,
        "\(service.context) (\(service.home))")
    }
    let files =
      [wanted["config"]?.string].compactMap { $0 } + (wanted["also"]?.array?.compactMap(\.string) ?? [])
    for file in files where !file.contains(" ") {
      note(
        name, "config", grade,
        service.configs.contains(file) ? .found : said.contains(file.lowercased()) ? .asked : .missed,
        file, service.configs.joined(separator: ","))
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
      let isRight = actual.map { isSame(value, $0, source, key, service) } ?? false
      note(
        name, field, fieldGrade, isRight ? .found : isAsked(field, service.key) ? .asked : .missed, value,
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
    _ wanted: String, _ actual: Sourced<String>, _ source: String, _ key: SettingKey, _ service: DraftService
  ) -> Bool {
    func plain(_ text: String) -> String {
      text.filter { !$0.isWhitespace && !"\"'".contains($0) }
    }
    if plain(wanted) == plain(actual.value) { return true }
    if key == .dockerfile {
      let whole = service.context.isEmpty ? actual.value : "\(service.context)/\(actual.value)"
      return whole == wanted || actual.value.hasSuffix("/" + wanted) || wanted.hasSuffix("/" + actual.value)
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
      let isRight = actual == value || (key == .replicas && value == "1" && actual == nil)
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
      name, "health", grade, actual == path ? .found : isAsked("health", service.key) ? .asked : .missed,
      path,
      actual ?? "nil")
    if let seconds = wanted["health"]?["timeout_seconds"]?.int {
      let timeout = service.settings[.healthTimeout]?.value
      note(
        name, "health.timeout", grade, timeout == "\(seconds)s" ? .found : .missed, "\(seconds)s",
        timeout ?? "nil")
    }
  }
}
