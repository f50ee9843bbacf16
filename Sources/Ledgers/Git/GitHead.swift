import Concurrency
import FoundationEssentials
import Model

/// `head.json`: everything a command has to know at once, in one small file at the tip of the chain.
struct GitHead: Sendable, Codable, Equatable {
  /// The newest layout of the files that is known here; a newer one is refused. 2 is 1 with a note of a move, which
  /// whoever does not know it must not pass by.
  static let version = 2
  /// How many releases the head holds; all of them are files of their own.
  static let keptReleases = 50

  struct OpenRun: Sendable, Codable, Equatable {
    var id: RunID
    var release: Int
    /// How many journal entries have been pushed.
    var entries: Int
  }

  var version = 1
  var app: String
  var environment: String
  var fence: Int64 = 0
  /// As it was taken. Renewals are commits, so its `expires` means nothing.
  var lease: Lease?
  /// The holder's last commit, where somebody else has written since: only the holder's own prove that it lives.
  var beat: String?
  /// Where the ledger went.
  var moved: LedgerMove?
  var run: OpenRun?
  /// The numbers given out last.
  var lastRun = 0
  var lastRelease = 0
  var hold: Hold?
  var bad: [String: Int] = [:]
  /// The newest first.
  var releases: [Release] = []
  /// The newest first; nil in ledgers of earlier versions.
  var decisions: [Decision]?
  /// The versions of the rollouts' records, by key; nil in ledgers of earlier versions.
  var rollouts: [String: Int]?

  var state: LeaseState { LeaseState(fence: fence, lease: lease) }

  mutating func add(_ decision: Decision) {
    decisions = Array(([decision] + (decisions ?? [])).prefix(LedgerContents.keptDecisions))
  }

  mutating func add(_ release: Release) {
    releases.insert(release, at: 0)
    if releases.count > Self.keptReleases { releases.removeLast(releases.count - Self.keptReleases) }
  }
}

/// Where things lie in the tree of a ledger's commits. Folders of a hundred keep listings short.
enum GitPath {
  static let head = "head.json"
  /// The key of fingerprints, in hex, apart from what people look at.
  static let key = "fingerprint-key"
  static let releases = "releases/"
  static let runs = "runs/"
  static let journals = "journals/"
  static let rollouts = "rollouts/"

  static func release(_ number: Int) -> String { "\(releases)\(folder(number)).json" }
  static func run(_ id: RunID) -> String { "\(runs)\(folder(id.number)).json" }
  static func journal(_ id: RunID) -> String { "\(journals)\(folder(id.number))/" }

  /// The file of a rollout's record; a key has letters, digits, `.`, `_` and `-`.
  static func rollout(_ key: String) -> String { "\(rollouts)\(key).json" }

  /// The file for the entries of one push: one JSON text a line.
  static func journal(_ id: RunID, from first: Int) -> String {
    journal(id) + padded(first, 7) + ".jsonl"
  }

  /// The number of a release's file.
  static func number(ofRelease path: String) -> Int? {
    path.split(separator: "/").last.flatMap { Int($0.prefix { $0 != "." }) }
  }

  /// The run of a journal's file, `journals/00/0012/0000001.jsonl`.
  static func run(ofJournal path: String) -> RunID? {
    let parts = path.split(separator: "/")
    guard parts.count == 4, path.hasPrefix(journals), let number = Int(parts[2]) else { return nil }
    return RunID(number)
  }

  private static func folder(_ number: Int) -> String { padded(number / 100, 2) + "/" + padded(number, 4) }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
