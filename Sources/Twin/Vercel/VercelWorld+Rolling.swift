package import Concurrency
import JSON

extension VercelTwin {
  /// How promotions of a project are spread over time (contract §5.1).
  package struct RollingConfig: Sendable, Equatable {
    package var isAutomatic: Bool
    package var stages: [Stage]

    package struct Stage: Sendable, Equatable {
      package var percentage: Int
      /// Minutes; nil in the last stage and where a person approves.
      package var duration: Double?
    }
  }

  /// A promotion that is spread over time.
  package struct RollingRelease: Sendable {
    package enum State: String, Sendable {
      case active = "ACTIVE"
      case complete = "COMPLETE"
      case aborted = "ABORTED"
    }

    package var id: String
    package var state = State.active
    package var base: String
    package var canary: String
    package var queued: String?
    package var config: RollingConfig
    package var stage = 0
    package var startedAt: Timestamp
    package var updatedAt: Timestamp
    var alarm: Timestamp?

    /// Of the visitors, how many the canary serves.
    package var percentage: Int {
      config.stages.indices.contains(stage) ? config.stages[stage].percentage : 100
    }
  }
}

/// Rolling releases, contract §5 and point 8 of §13.
extension VercelTwin.World {
  /// Reads the body of a configuration; nil disables.
  static func rollingConfig(_ body: JSON) throws(VercelTwin.Problem) -> VercelTwin.RollingConfig? {
    if body["enabled"]?.bool == false { return nil }
    guard let kind = body["advancementType"]?.string, ["automatic", "manual-approval"].contains(kind) else {
      throw .badRequest("`advancementType` must be `automatic` or `manual-approval`")
    }
    let isAutomatic = kind == "automatic"
    let entries = body["stages"]?.array ?? []
    guard (2...10).contains(entries.count) else { throw .badRequest("`stages` must have 2 to 10 entries") }
    var stages: [VercelTwin.RollingConfig.Stage] = []
    for (index, entry) in entries.enumerated() {
      guard let percentage = entry["targetPercentage"]?.int, (0...100).contains(percentage) else {
        throw .badRequest("`targetPercentage` must be a number from 0 to 100")
      }
      if let last = stages.last, Int(percentage) <= last.percentage {
        throw .badRequest("the percentages of the stages must ascend")
      }
      let isLast = index == entries.count - 1
      let duration = entry["duration"]?.double
      if isAutomatic, !isLast {
        guard let duration, (1...10_000).contains(duration) else {
          throw .badRequest("`duration` must be 1 to 10000 minutes on every stage but the last")
        }
      } else if duration != nil, !isAutomatic {
        throw .badRequest("`duration` goes with `automatic` only")
      }
      stages.append(.init(percentage: Int(percentage), duration: isLast ? nil : duration))
    }
    guard stages.last?.percentage == 100 else { throw .badRequest("the last stage must be 100") }
    return VercelTwin.RollingConfig(isAutomatic: isAutomatic, stages: stages)
  }

  /// Starts a release, or queues the deployment behind the one under way.
  mutating func beginRolling(to id: String, in project: String) {
    guard let config = projects[project]?.rollingConfig, let base = projects[project]?.production else {
      return
    }
    if projects[project]?.rollingRelease?.state == .active {
      projects[project]?.rollingRelease?.queued = id
      return
    }
    var release = VercelTwin.RollingRelease(
      id: mint("rr"), base: base, canary: id, config: config, startedAt: now, updatedAt: now)
    release.alarm = alarm(of: release)
    deployments[id]?.substate = .rolling
    projects[project]?.rollingRelease = release
  }

  private func alarm(of release: VercelTwin.RollingRelease) -> Timestamp? {
    guard release.config.isAutomatic, release.stage < release.config.stages.count - 1,
      let minutes = release.config.stages[release.stage].duration
    else { return nil }
    return now + .milliseconds(Int64(minutes * 60_000))
  }

  /// Goes on to the next stage; the last one completes the release.
  mutating func advanceStage(of project: String) {
    guard var release = projects[project]?.rollingRelease, release.state == .active else { return }
    release.stage += 1
    release.updatedAt = now
    release.alarm = alarm(of: release)
    projects[project]?.rollingRelease = release
    if release.stage >= release.config.stages.count - 1 { completeRolling(of: project) }
  }

  mutating func completeRolling(of project: String) {
    guard let release = projects[project]?.rollingRelease, release.state == .active else { return }
    projects[project]?.rollingRelease?.state = .complete
    projects[project]?.rollingRelease?.stage = release.config.stages.count - 1
    projects[project]?.rollingRelease?.updatedAt = now
    projects[project]?.rollingRelease?.alarm = nil
    goLive(release.canary)
    if deployments[release.canary]?.aliasAssigned == false { finishAssigning(release.canary) }
    unpin(project)
    projects[project]?.aliasRequest = VercelTwin.AliasRequest(
      kind: .promote, from: release.base, to: release.canary, status: .succeeded,
      requestedAt: release.startedAt, rollingRelease: release.id)
    if let next = release.queued { beginRolling(to: next, in: project) }
  }

  mutating func abortRolling(of project: String) {
    guard let release = projects[project]?.rollingRelease, release.state == .active else { return }
    projects[project]?.rollingRelease?.state = .aborted
    projects[project]?.rollingRelease?.updatedAt = now
    projects[project]?.rollingRelease?.alarm = nil
    deployments[release.canary]?.substate = .staged
  }

  /// The deployment that answers a visitor of a production host.
  /// - Parameter forced: the side that the visitor holds on to.
  mutating func side(of release: VercelTwin.RollingRelease, forced: String?) -> String {
    switch forced {
    case "canary": return release.canary
    case "stable": return release.base
    default:
      visitors += 1
      // 37 and 100 have no common divisor: a hundred visitors meet every percentage once.
      return visitors * 37 % 100 < release.percentage ? release.canary : release.base
    }
  }

  /// The project's release as the API tells it.
  func rollingDocument(of project: VercelTwin.Project) -> JSON {
    guard let release = project.rollingRelease else { return .null }
    let stages = release.config.stages.indices.map { stage($0, of: release) }
    let isActive = release.state == .active
    return [
      "state": .string(release.state.rawValue), "substate": .null,
      "currentDeployment": summary(release.base), "canaryDeployment": summary(release.canary),
      "queuedDeploymentId": .text(release.queued),
      "advancementType": .string(release.config.isAutomatic ? "automatic" : "manual-approval"),
      "stages": .array(stages),
      "activeStage": isActive ? stages[release.stage] : .null,
      "nextStage": isActive && release.stage + 1 < stages.count ? stages[release.stage + 1] : .null,
      "currentCanaryPercentage": .int(Int64(release.state == .aborted ? 0 : release.percentage)),
      "startedAt": .number(release.startedAt), "updatedAt": .number(release.updatedAt),
    ]
  }

  private func stage(_ index: Int, of release: VercelTwin.RollingRelease) -> JSON {
    let stage = release.config.stages[index]
    return [
      "index": .int(Int64(index)), "isFinalStage": .bool(index == release.config.stages.count - 1),
      "targetPercentage": .int(Int64(stage.percentage)),
      "requireApproval": .bool(!release.config.isAutomatic),
      "duration": stage.duration.map(JSON.double) ?? .null,
    ]
  }

  private func summary(_ id: String) -> JSON {
    guard let deployment = deployments[id] else { return .null }
    return .members([
      "name": .string(deployment.name), "createdAt": .number(deployment.createdAt), "id": .string(id),
      "readyState": .string(deployment.readyState.rawValue), "url": .string(deployment.url),
      "target": .text(deployment.target), "source": .string(deployment.source),
      "readyStateAt": .number(deployment.readyAt ?? deployment.createdAt),
    ])
  }
}
