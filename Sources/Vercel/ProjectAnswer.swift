import Concurrency
import JSON
import Model

/// A project as Vercel tells it.
struct ProjectAnswer: Sendable, Hashable {
  var id: String
  var name: String
  /// The team or user that owns it.
  var owner: String?
  var settings: ServiceSettings
  /// What a build on this machine needs of it, in Vercel's own names.
  var buildSettings: [String: JSON]
  /// False: production is pinned; new production deployments stay staged (contract §4.3).
  var assignsDomains: Bool
  /// Who rolled back last, why and when; cleared by the next promotion.
  var rollback: String?
  /// The connected repository, `github acme/web`, and its type, organisation and id.
  var link: JSON?
  var deploysPushes: Bool
  var policy: JSON?
  var isPaused: Bool
  /// The stages of the rolling release that every promotion starts; nil: none is configured.
  var rollingRelease: RollingConfiguration?
  var production: DeploymentAnswer?
  var newest: DeploymentAnswer?
  var job: AliasJob?
  /// Keys that let automation pass the protection.
  var bypass: [Sensitive]
  var isProtected: Bool

  init?(_ json: JSON) {
    guard let id = json["id"]?.string, let name = json["name"]?.string else { return nil }
    self.id = id
    self.name = name
    owner = json["accountId"]?.string
    settings = ProjectSettings.read(json)
    buildSettings = (json.object ?? [:]).filter { ProjectSettings.buildNames.contains($0.key) }
    assignsDomains = json["autoAssignCustomDomains"]?.bool ?? true
    rollback = json["rollbackDescription"].flatMap { told in
      guard told.object != nil else { return nil }
      let when = told["createdAt"]?.int.map { " at \(Timestamp(milliseconds: $0).iso8601)" } ?? ""
      let why = told["description"]?.string ?? ""
      return "by \(told["username"]?.string ?? "somebody")\(when)" + (why.isEmpty ? "" : ": \(why)")
    }
    link = json["link"].flatMap { $0.object == nil ? nil : $0 }
    policy = json["deploymentPolicy"].flatMap { $0.object == nil ? nil : $0 }
    deploysPushes =
      link != nil && json["gitProviderOptions"]?["createDeployments"]?.string != "disabled"
      && !PushPolicy.forbidsPushes(policy)
    isPaused = json["paused"]?.bool ?? false
    rollingRelease = RollingConfiguration(json["rollingRelease"])
    production = json["targets"]?["production"].flatMap { DeploymentAnswer($0) }
    newest = (json["latestDeployments"]?.array ?? []).compactMap { DeploymentAnswer($0) }
      .filter { $0.target == "production" }
      .max { ($0.createdAt?.milliseconds ?? 0) < ($1.createdAt?.milliseconds ?? 0) }
    job = json["lastAliasRequest"].flatMap { AliasJob($0) }
    bypass = (json["protectionBypass"]?.object ?? [:])
      .filter { $0.value["scope"]?.string == "automation-bypass" }
      .sorted {
        // The one that builds get too is the one people keep.
        let first = $0.value["isEnvVar"]?.bool ?? false
        let second = $1.value["isEnvVar"]?.bool ?? false
        return first != second ? first : $0.key < $1.key
      }
      .map { Sensitive($0.key) }
    isProtected = ["ssoProtection", "passwordProtection", "trustedIps", "passport"].contains {
      json[$0]?.object != nil
    }
  }

  /// The connected repository in words.
  var linkWords: String? {
    guard let link else { return nil }
    let type = link["type"]?.string ?? "git"
    let path =
      link["projectNameWithNamespace"]?.string
      ?? [link["org"]?.string ?? link["owner"]?.string, link["repo"]?.string ?? link["slug"]?.string]
      .compactMap(\.self).joined(separator: "/")
    return "\(type) \(path)"
  }
}

/// The last promotion or rollback of a project (contract §4.4).
struct AliasJob: Sendable, Hashable {
  enum Kind: String, Sendable, Hashable { case promote, rollback }

  var from: String?
  var to: String
  /// `pending`, `in-progress`, `succeeded`, `failed`, `skipped`.
  var status: String
  /// By the server's clock.
  var requestedAt: Timestamp
  var kind: Kind

  init?(_ json: JSON) {
    guard let to = json["toDeploymentId"]?.string, let status = json["jobStatus"]?.string,
      let at = json["requestedAt"]?.int, let kind = (json["type"]?.string).flatMap({ Kind(rawValue: $0) })
    else { return nil }
    from = json["fromDeploymentId"]?.string
    self.to = to
    self.status = status
    requestedAt = Timestamp(milliseconds: at)
    self.kind = kind
  }

  var isOver: Bool { ["succeeded", "failed", "skipped"].contains(status) }

  /// The same job, whatever has become of it.
  func isSame(as other: AliasJob?) -> Bool {
    other.map { $0.to == to && $0.kind == kind && $0.requestedAt == requestedAt } ?? false
  }
}

/// The stages that every promotion goes through (contract §5.1).
struct RollingConfiguration: Sendable, Hashable {
  /// Percentages of visitors.
  var stages: [Int]
  /// A person decides about each stage.
  var needsApproval: Bool

  init?(_ json: JSON?) {
    guard let stages = json?["stages"]?.array, !stages.isEmpty else { return nil }
    self.stages = stages.compactMap { $0["targetPercentage"]?.int.map { Int($0) } }
    needsApproval = stages.contains { $0["requireApproval"]?.bool ?? false }
  }

  var words: String {
    stages.map { "\($0) %" }.joined(separator: " → ") + (needsApproval ? ", each approved by a person" : "")
  }
}

/// A rolling release under way or over (contract §5.2).
struct RollingRelease: Sendable, Hashable {
  /// `ACTIVE`, `COMPLETE`, `ABORTED`.
  var state: String
  var isPaused: Bool
  /// The base: where aborting leads to.
  var base: String?
  var canary: String?
  var queued: String?
  var needsApproval: Bool
  var percentage: Int?
  var stage: Int?
  var stages: Int

  /// Nil when there is none.
  init?(_ answer: JSON) {
    guard let json = answer["rollingRelease"], let state = json["state"]?.string else { return nil }
    self.state = state
    isPaused = json["substate"]?.string == "PAUSED"
    base = json["currentDeployment"]?["id"]?.string
    canary = json["canaryDeployment"]?["id"]?.string
    queued = json["queuedDeploymentId"]?.string
    needsApproval = json["advancementType"]?.string == "manual-approval"
    let active = json["activeStage"]
    percentage =
      (json["currentCanaryPercentage"]?.double ?? active?["targetPercentage"]?.double).map { Int($0) }
    stage = active?["index"]?.int.map { Int($0) }
    stages = json["stages"]?.array?.count ?? 0
  }

  var isActive: Bool { state == "ACTIVE" }

  var words: String {
    "the rolling release of \(canary ?? "?") is at \(percentage.map { "\($0) %" } ?? "an unknown stage")"
      + (stage.map { " (stage \($0 + 1) of \(stages))" } ?? "") + (isPaused ? ", paused" : "")
  }
}
