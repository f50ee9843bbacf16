import Concurrency
package import Model

/// The last screen of a run: what is live now and how proven, what failed and why, what was put back,
/// what users could get meanwhile, the exit code and the next command.
package struct RunSummary: Report {
  package static let kind = "run"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package enum State: String, Codable, Sendable, Hashable {
      /// What was live before; this run did not move it.
      case untouched
      /// The new code.
      case moved
      /// Moved and put back.
      case putBack = "put-back"
      /// Somebody else's, which this run left alone.
      case foreign
      case unknown
    }

    package var service: ServiceName
    package var state: State
    /// The commit that is live; nil when there is none or it is not known.
    package var commit: String?
    package var proof: Proof?
    package var address: String?
    package var note: String?
    /// How long users could get code that was then taken back.
    package var exposed: Seconds?
  }

  package var app: String
  package var environment: String
  package var run: RunID
  package var release: Int
  package var restores: Int?
  package var action: Plan.Kind
  package var commit: String
  package var subject: String
  package var state: RunResult.State
  package var exit: ExitCode
  package var took: Seconds
  package var failure: Failure?
  package var failedStep: String?
  package var rollbackFailure: Failure?
  package var unattended: [String]
  package var interruption: Interruption?
  package var services: [ServiceLine]
  /// What was applied to databases and stays, in words.
  package var schemas: [String]

  /// Nil when the run has not finished or its beginning was not seen.
  package init?(_ picture: RunPicture) {
    guard let result = picture.result, let facts = picture.facts else { return nil }
    app = facts.app
    environment = facts.environment
    run = facts.id
    release = facts.release
    restores = picture.plan?.restores
    action = picture.plan?.kind ?? .deploy
    commit = facts.commit
    subject = picture.plan?.subject ?? ""
    state = result.state
    // What a person has to do is looked at after the run, and ends the command with its own code.
    let isAwaited = result.exit == .done && picture.plan?.manual?.isEmpty == false
    exit = isAwaited ? .waiting : result.exit
    took = Seconds((picture.lastAt ?? facts.startedAt) - (picture.startedAt ?? facts.startedAt))
    failure = result.failure ?? picture.turn?.failure
    failedStep = result.failedStep.map(picture.title)
    rollbackFailure = result.rollbackFailure
    unattended = result.unattended.map(picture.title)
    interruption = picture.interruption
    schemas = (picture.plan?.steps ?? []).compactMap { step in
      guard case .migrate(let change) = step.action, case .done(let result)? = picture.steps[step.id]?.phase,
        let names = result.facts[StepFact.applied], !names.isEmpty
      else { return nil }
      let list = names.split(separator: "\n").joined(separator: ", ")
      return "\(change.database.key) at \(result.facts[StepFact.schema] ?? "?"): \(list)"
    }
    services = (picture.plan?.services ?? []).map { planned in
      var line = ServiceLine(planned, fate: picture.fates[planned.service] ?? .untouched, result: result)
      if line.state == .untouched, picture.staged.contains(planned.service) {
        line.note = (line.note.map { "\($0); " } ?? "") + "what was staged was seen by nobody"
      }
      if let foreign = result.foreign?[planned.service] { line.take(foreign) }
      let deployed = picture.steps[StepID("\(planned.service).deploy")]?.phase
      if planned.cutOver == .beside, case .done(let result)? = deployed {
        line.address = result.facts[StepFact.address] ?? line.address
      }
      return line
    }
    for (name, foreign) in (result.foreign ?? [:]).sorted(by: { $0.key < $1.key })
    where !services.contains(where: { $0.service == name }) {
      var line = ServiceLine(service: name, state: .foreign, commit: foreign.commit)
      line.take(foreign)
      services.append(line)
    }
  }

  /// Services that somebody else deployed while the run went on.
  var foreign: [ServiceName] { services.filter { $0.state == .foreign }.map(\.service) }
}

extension RunSummary.ServiceLine {
  /// What serves is somebody else's.
  fileprivate mutating func take(_ foreign: ForeignDeployment) {
    state = .foreign
    commit = foreign.commit
    proof = nil
    note = "deployment \(foreign.id), put live by somebody else meanwhile"
  }

  init(_ planned: PlannedService, fate: ServiceFate, result: RunResult) {
    service = planned.service
    address = planned.address
    exposed = result.exposure[planned.service].map { Seconds(.milliseconds($0)) }
    switch fate {
    case .untouched:
      state = .untouched
      commit = planned.previousCommit
      note = planned.previous == nil && planned.previousCommit == nil ? "nothing was live before" : nil
    case .affirmed(let proof):
      state = .untouched
      commit = planned.previousCommit
      self.proof = proof
    case .moved(let commit, let proof):
      state = .moved
      self.commit = commit
      self.proof = proof
    case .putBack(let commit, let proof):
      state = .putBack
      self.commit = commit ?? planned.previousCommit
      self.proof = proof
    case .unknown(let why):
      state = .unknown
      note = why
    }
  }
}
