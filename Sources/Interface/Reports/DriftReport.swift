package import Concurrency
package import Model

/// What `drift` says: what somebody changed by hand, what becomes of it, and how to keep it.
package struct DriftReport: Report {
  package static let kind = "drift"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var platform: PlatformName
    package var name: String
    package var changes: [Change]
  }

  package struct Change: Codable, Sendable, Hashable {
    package var kind: DriftChange.Kind
    package var name: String
    /// Nil: nothing was there.
    package var recorded: String?
    /// Nil: nothing is there.
    package var observed: String?
    /// The texts are keyed fingerprints of values that may be secret; an empty one is of a value that cannot be read.
    package var isFingerprint: Bool
    package var outlook: DriftChange.Outlook
    package var changedAt: Moment?

    init(_ change: DriftChange) {
      kind = change.kind
      name = change.name
      recorded = change.recorded
      observed = change.observed
      isFingerprint = change.isFingerprint
      outlook = change.outlook
      changedAt = change.at.map(Moment.init)
    }
  }

  /// What became of one change when it was to be written into the file.
  package struct Adoption: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var name: String
    /// What stands in the file now; nil when nothing was written.
    package var wrote: String?
    /// Why nothing was written.
    package var refused: String?

    package init(service: ServiceName, name: String, wrote: String? = nil, refused: String? = nil) {
      self.service = service
      self.name = name
      self.wrote = wrote
      self.refused = refused
    }
  }

  package var app: String
  package var environment: String
  /// What the platforms are held against; nil: nothing was released yet.
  package var release: ReleaseHead?
  package var releasedAt: Moment?
  package var overrides: [Override]
  package var services: [ServiceLine]
  /// What the file says otherwise than the release: no drift.
  package var pending: [String]
  package var notes: [String]
  /// Of `--adopt`.
  package var adoptions: [Adoption]
  private var now: Moment

  package init(
    app: String, environment: String, release: Release?, now: Timestamp, services: [ServiceDrift],
    pending: ConfigurationDifference? = nil, unreleased: [ServiceName] = [], notes: [String] = [],
    overrides: [Override] = [], adoptions: [Adoption] = []
  ) {
    self.app = app
    self.environment = environment
    self.release = release.map(ReleaseHead.init)
    releasedAt = release.map { Moment($0.endedAt) }
    self.now = Moment(now)
    self.overrides = overrides
    self.services = services.map { drift in
      ServiceLine(
        service: drift.service, platform: drift.platform, name: drift.name,
        changes: drift.changes.map(Change.init))
    }
    var lines = (pending?.services ?? []).map { entry in
      "\(entry.service): " + (entry.settings + entry.variables).map(\.name).joined(separator: ", ")
    }
    if let protect = pending?.protect, !protect.isEmpty {
      lines.append("protect: " + protect.map(\.name).joined(separator: ", "))
    }
    lines += (pending?.onlyInFirst ?? []).map { "\($0) is not in the file any more" }
    lines += unreleased.map { "\($0) is new" }
    self.pending = lines
    self.notes = notes
    self.adoptions = adoptions
  }

  /// Something was changed by hand.
  package var hasDrift: Bool { !services.isEmpty }

  private var changes: [Change] { services.flatMap(\.changes) }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [Line(.strong("drift \(app) \(environment)"))]
    if let release {
      let when = releasedAt.map { ", \($0.timestamp.relative(to: now.timestamp))" } ?? ""
      lines.append(
        .labelled("against", ["release \(release.release) (\(short(release.commit)))\(when)"], indent: 0))
    }
    lines += overrides.map(\.line)
    for service in services { lines += [.empty] + self.lines(of: service, symbols) }
    lines += adoptionLines(symbols)
    if !pending.isEmpty {
      lines += [
        .empty,
        Line(.strong("not drift"), .faint(", the file has changed since: shipit plan \(environment)")),
      ]
      lines += pending.map { Line([Span("  \($0)")], overflow: .wrap(hanging: 4)) }
    }
    if !notes.isEmpty { lines.append(.empty) }
    lines += notes.flatMap { Line.warning($0, symbols.warning) }
    return lines + [.empty] + end
  }

  private func lines(of service: ServiceLine, _ symbols: Symbols) -> [Line] {
    let alias = service.name == service.service.rawValue ? "" : ", \(service.name) there"
    var lines = [
      Line(
        Span("\(symbols.change) ", .change), .strong(service.service.rawValue),
        .faint("  \(service.platform.rawValue)\(alias)"))
    ]
    var last: DriftChange.Kind?
    for change in service.changes {
      lines.append(
        .labelled(change.kind == last ? "" : change.kind.label, change.spans(symbols, now.timestamp)))
      last = change.kind
    }
    return lines
  }

  private func adoptionLines(_ symbols: Symbols) -> [Line] {
    guard !adoptions.isEmpty else { return [] }
    var lines: [Line] = []
    let written = adoptions.filter { $0.wrote != nil }
    let refused = adoptions.filter { $0.wrote == nil }
    if !written.isEmpty {
      lines += [.empty, Line(.good("written into environments/\(environment).yaml"))]
      lines += written.map { item in
        Line(["  \(item.service)  ", Span(item.wrote ?? "", .add)], overflow: .wrap(hanging: 4))
      }
    }
    if !refused.isEmpty {
      lines += [.empty, Line(.warning("not written"))]
      lines += refused.map { item in
        Line(
          ["  \(item.service) \(item.name)  ", .faint(item.refused ?? "")], overflow: .wrap(hanging: 4))
      }
    }
    return lines
  }

  private var end: [Line] {
    guard release != nil else {
      return [Line(.good("nothing was released yet: there is nothing to compare with"))]
    }
    guard hasDrift else {
      return [Line(.good("no drift: the platforms have what shipit wrote"))]
    }
    let back = changes.count { $0.outlook == .putBack }
    let left = changes.count - back
    var parts: [String] = []
    if back > 0 { parts.append("\(back) \(back == 1 ? "is" : "are") put back by the next deploy") }
    if left > 0 {
      parts.append(
        "\(left) \(left == 1 ? "stays" : "stay"): the file does not name \(left == 1 ? "it" : "them")")
    }
    var lines = [
      Line(
        [.strong("\(count(changes.count, "change")) by hand: "), Span(parts.joined(separator: ", "))],
        overflow: .wrap(hanging: 2))
    ]
    if back > 0 {
      lines.append(.labelled("put back", [.accent("shipit deploy \(environment)")], width: 10))
    }
    if adoptions.isEmpty, changes.contains(where: \.mayBeAdopted) {
      lines.append(
        .labelled(
          "keep", [.accent("shipit drift \(environment) --adopt"), .faint("  writes it into the file")],
          width: 10))
    }
    return lines
  }
}

extension DriftChange.Kind {
  fileprivate var label: String {
    switch self {
    case .setting: "settings"
    case .variable: "variables"
    case .domain: "domains"
    case .automaticDeploys: "pushes"
    case .deployment: "deployment"
    }
  }
}

extension DriftReport.Change {
  /// The file can say it.
  fileprivate var mayBeAdopted: Bool {
    switch kind {
    case .domain: true
    case .setting: !isFingerprint
    case .variable: !isFingerprint || observed == nil
    case .automaticDeploys, .deployment: false
    }
  }

  /// Sign, name, and both values.
  fileprivate func spans(_ symbols: Symbols, _ now: Timestamp) -> [Span] {
    let (sign, role): (String, Role) =
      recorded == nil
      ? (symbols.add, .add) : observed == nil ? (symbols.remove, .remove) : (symbols.change, .change)
    var spans = [Span("\(sign) \(name)", role)]
    if kind == .domain {
      spans.append(.faint(observed == nil ? "  taken away" : "  added"))
    } else {
      spans += ["  ", .faint(shown(recorded, symbols)), " → ", Span(shown(observed, symbols))]
      if isFingerprint { spans.append(.faint("  fingerprints")) }
    }
    if let at = changedAt { spans.append(.faint("  \(at.timestamp.relative(to: now))")) }
    if outlook == .stays { spans.append(.faint("  not in the file")) }
    return spans
  }

  private func shown(_ text: String?, _ symbols: Symbols) -> String {
    guard let text else { return symbols.none }
    guard isFingerprint else { return text.isEmpty ? "(empty)" : text }
    return text.isEmpty ? "unreadable" : String(text.prefix(8))
  }
}
