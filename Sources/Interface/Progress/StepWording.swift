import Concurrency
import Model

extension RunPicture.StepPicture {
  /// How long it has taken until `now`, or altogether; nil when an earlier process began it.
  func elapsed(_ now: Timestamp) -> Duration? { beganAt.map { (endedAt ?? now) - $0 } }

  /// The sign of a step that is over.
  func sign(_ symbols: Symbols) -> Span {
    switch phase {
    case .done: .good(isUndo ? symbols.back : symbols.good)
    case .failed: .bad(symbols.bad)
    case .stopped(.cancelled), .cancelled(moved: false): .faint(symbols.none)
    case .stopped, .cancelled, .unknown: .warning(symbols.warning)
    case .waiting, .running, .probing, .retrying: .faint(symbols.waiting)
    }
  }

  /// It writes or deploys, so that something of it could be live.
  private var changesPlatform: Bool {
    switch step.action {
    case .settings, .variables, .deploy, .restore, .promote, .migrate, .scripts, .restoreDatabase,
      .actionsSecrets, .create:
      true
    case .backup, .buildImage, .prove, .soak, .command, .check: false
    }
  }

  /// What is to be said about it now, in a few words.
  var says: String {
    switch phase {
    case .waiting: "waits"
    case .running: progress ?? ""
    case .probing: "finding out what became of it"
    case .retrying(let failure): "again soon: \(failure.message)"
    case .done(let result): result.summary
    case .failed(let failure): failure.message
    case .stopped(.cancelled), .cancelled(moved: false):
      changesPlatform ? "cancelled, nothing of it is live" : "cancelled"
    case .stopped(.tookEffect): "took effect before it could be stopped"
    case .stopped(.tookEffectInPart(let result)): "stopped half-way: \(result.summary)"
    case .stopped(.inFlight(let text)): "goes on without us: \(text)"
    case .cancelled(moved: true): "cancelled after it had taken effect"
    case .unknown(let failure): "not known: \(failure.message)"
    }
  }
}

extension RunPicture {
  /// `deploy athlete-ally prod · 1a2b3c4 · release 7 · run 12`.
  var heading: Line {
    guard let facts else { return Line(.strong("run")) }
    let verb = plan?.kind.rawValue ?? "deploy"
    // Numbers are the ledger's; without one there are none.
    let isGuess = plan?.kind == .rollback && plan?.restores == nil
    let numbers = isGuess ? "no ledger" : "release \(facts.release) · run \(facts.id)"
    return Line(
      .strong("\(verb) \(facts.app) \(facts.environment)"), .faint(" · \(short(facts.commit)) · \(numbers)"))
  }

  /// Why the run turns back, and what it will put back.
  func turnLines(_ undo: [Step], _ symbols: Symbols) -> [Line] {
    let reason =
      switch turn?.reason {
      case .failure, nil: "a step failed"
      case .deadline: "the deadline is near"
      case .superseded: "it was superseded"
      }
    var services: [String] = []
    for service in undo.compactMap(\.service?.rawValue) where !services.contains(service) {
      services.append(service)
    }
    let what = services.isEmpty ? "nothing users see was moved" : "putting back \(list(services))"
    return [
      Line(
        .warning("\(symbols.back) turning back: "), Span("\(reason), \(what)"), overflow: .wrap(hanging: 2))
    ]
  }

  /// What an interruption means for the person who waits.
  func interruptionLine(_ interruption: Interruption, _ symbols: Symbols) -> Line {
    let who =
      switch interruption {
      case .hangup: "the terminal hung up"
      case .interrupt: "interrupted"
      case .terminate: "asked to terminate"
      case .request: "cancelled from elsewhere"
      case .leaseLost: "the lease is lost: another holder may act"
      }
    return Line(
      .warning("\(symbols.warning) \(who): "),
      "nothing new is started, what is not live yet is cancelled", overflow: .wrap(hanging: 2))
  }

  /// Who wants the run to stop from elsewhere, why, and whether it does.
  func cancelLine(_ request: CancelRequest, _ isHeeded: Bool, _ symbols: Symbols) -> Line {
    let answer = isHeeded ? "" : "; what moved is being taken back, and that is brought to its end first"
    return Line(
      .warning("\(symbols.warning) \(request.by) asks to cancel: "), Span(request.reason + answer),
      overflow: .wrap(hanging: 2))
  }

  /// The failed step's last log lines and its cause, at once and in full.
  func failureLines(_ id: StepID, _ symbols: Symbols, lines wanted: Int = 10) -> [Line] {
    guard let picture = steps[id] else { return [] }
    switch picture.phase {
    case .failed(let failure), .unknown(let failure):
      return picture.log.suffix(wanted).map { Line(.faint("    \(symbols.bar) "), Span($0)) }
        + FailureReport.details(failure, indent: 4)
    default: return []
    }
  }
}
