import Concurrency
import JSON
import Model

/// A deployment as any of Vercel's answers tells it: the full one, the public one, the stub for callers
/// without access, a list's item, a project's target (contract §3).
struct DeploymentAnswer: Sendable, Hashable {
  var id: String
  /// `QUEUED`, `INITIALIZING`, `BUILDING`, `READY`, `ERROR`, `CANCELED`, `BLOCKED`, `DELETED`; unknown ones run.
  var state: String
  /// `STAGED`, `ROLLING`, `PROMOTED`: what it has been, not what is live.
  var substate: String?
  var aliasAssigned: Bool
  var aliasError: String?
  /// Host, with a port on loopback.
  var url: String?
  var aliases: [String]
  /// Nil: a preview.
  var target: String?
  var createdAt: Timestamp?
  var creator: String?
  var meta: [String: String]
  /// The names of the variables it was made with; empty where the answer does not tell.
  var variables: [String]
  var commit: String?
  var plan: String?
  /// Everything Vercel says about an error: code, message, step, link, reason.
  var errorCode: String?
  var errorMessage: String?
  var errorStep: String?
  var errorLink: String?
  var isRemoved: Bool
  var isRollbackCandidate: Bool?
  /// A check that holds the domains back: `pending`, `succeeded`, `failed`.
  var aliasCheck: String?
  /// The older kind of checks ended in a failure.
  var hasFailedChecks: Bool

  /// Nil when the answer names no deployment.
  init?(_ json: JSON) {
    guard let id = json["id"]?.string ?? json["uid"]?.string,
      let state = json["readyState"]?.string ?? json["state"]?.string ?? json["status"]?.string
    else { return nil }
    self.id = id
    self.state = state
    substate = json["readySubstate"]?.string
    switch json["aliasAssigned"] {
    case .bool(let value): aliasAssigned = value
    case .int, .double: aliasAssigned = true
    default: aliasAssigned = false
    }
    aliasError = json["aliasError"].flatMap { error in
      error.object.map { _ in
        [error["code"]?.string, error["message"]?.string].compactMap(\.self).joined(separator: ": ")
      }
    }
    url = json["url"]?.string
    aliases = (json["alias"]?.array ?? []).compactMap(\.string)
    target = json["target"]?.string
    createdAt = (json["createdAt"]?.int ?? json["created"]?.int).map { Timestamp(milliseconds: $0) }
    creator =
      json["creator"]?["username"]?.string ?? json["creator"]?["email"]?.string
      ?? json["creator"]?["uid"]?.string
    meta = (json["meta"]?.object ?? [:]).compactMapValues(\.string)
    commit =
      meta[MetaKey.commit] ?? meta["githubCommitSha"] ?? meta["gitlabCommitSha"] ?? meta["bitbucketCommitSha"]
      ?? json["gitSource"]?["sha"]?.string
    plan = json["plan"]?.string
    variables = (json["env"]?.array ?? []).compactMap(\.string)
    errorCode = json["errorCode"]?.string ?? json["seatBlock"]?["blockCode"]?.string
    errorMessage = json["errorMessage"]?.string ?? json["readyStateReason"]?.string
    if errorMessage == nil, json["oomReport"]?.string != nil { errorMessage = "out of memory" }
    errorStep = json["errorStep"]?.string
    errorLink = json["errorLink"]?.string ?? json["inspectorUrl"]?.string
    isRemoved = json["softDeletedByRetention"]?.bool ?? false || state == "DELETED"
    isRollbackCandidate = json["isRollbackCandidate"]?.bool
    aliasCheck = json["checks"]?["deployment-alias"]?["state"]?.string
    hasFailedChecks =
      json["checksState"]?.string == "completed" && json["checksConclusion"]?.string == "failed"
  }

  var marker: Marker? { meta[MetaKey.marker].flatMap { Marker(parsing: $0) } }

  /// It had production traffic at some time.
  var wasLive: Bool { substate == "PROMOTED" }

  /// Vercel's own words for it: `READY STAGED`.
  var word: String {
    state == "READY" ? [state, substate].compactMap(\.self).joined(separator: " ") : state
  }

  /// Who made it and when, for people.
  var origin: String {
    let who = creator.map { " by \($0)" } ?? ""
    let when = createdAt.map { " at \($0.iso8601)" } ?? ""
    return "\(id) of commit \(commit.map { String($0.prefix(7)) } ?? "unknown")\(who)\(when)"
  }

  /// What a person should read when it failed: everything Vercel says.
  var trouble: String? {
    let words = [
      [errorCode, errorMessage].compactMap(\.self).joined(separator: ": "),
      errorStep.map { "step \($0)" } ?? "",
      errorLink.map { "see \($0)" } ?? "",
    ].filter { !$0.isEmpty }
    return words.isEmpty ? nil : words.joined(separator: "; ")
  }

  /// The deployment in the words all platforms share.
  /// - Parameters:
  ///   - liveID: what the project serves, when that was read: an earlier one has then been replaced.
  ///   - canRollback: it may be gone back to.
  func deployment(liveID: String?, canRollback: Bool? = nil) -> Deployment {
    var status: Deployment.Status
    switch state {
    case "QUEUED": status = .queued
    case "INITIALIZING", "BUILDING", "ANALYZING", "DEPLOYING": status = .building
    case "READY": status = wasLive && liveID != nil && liveID != id ? .removed : .live
    case "ERROR": status = .failed
    case "BLOCKED": status = .needsApproval
    case "CANCELED": status = .skipped
    case "DELETED": status = .removed
    default: status = .unknown(state)
    }
    if isRemoved { status = .removed }
    return Deployment(
      id: id, status: status, word: word, createdAt: createdAt ?? Timestamp(milliseconds: 0), commit: commit,
      marker: marker,
      canRollback: canRollback ?? (state == "READY" && !isRemoved && (wasLive || liveID == id)),
      // Functions start on demand and no instance can be counted; a READY deployment answers, which proofs by
      // the platform's word look for under this name.
      instances: state == "READY" ? ["RUNNING": 1] : [:])
  }
}

/// The keys shipit writes into a deployment's `meta`.
enum MetaKey {
  static let marker = "shipit"
  static let commit = "commit"
  static let release = "release"
}
