import Concurrency
import Model

/// Writes docs/faults.md.
enum FaultTable {
  static let head = [
    "# Faults and outcomes",
    "",
    "What shipit does when something goes wrong. Each row was lived through by the real engine and the real",
    "Railway adapter against the offline twin, in one process under a virtual clock; a test keeps this page",
    "and reality equal (`SHIPIT_UPDATE_GOLDEN=1 scripts/test --filter FaultTests` writes it anew).",
    "",
    "The world of each row: services `api` (an uploaded directory) and `web` (an image, needs `api`). Commit A",
    "is live for both; then the fault is set and commit B is deployed, which also changes, adds and removes a",
    "variable of `api`. In the rows about explicit rollbacks B is live and goes back to A. Under *Repository*",
    "Railway builds `api` from a repository; under *Volume* `api` has a volume, so that its old deployment is",
    "stopped before the new one starts. *Live* is what answers at the two addresses when shipit has ended,",
    "*took* is virtual time. Exit codes are explained in [exit-codes.md](exit-codes.md).",
    "",
    "No row outlives its limits. A deploy turns back while there is time: of `protect.deadline` (30 minutes here)",
    "it keeps back what its rollback is expected to take, at most a third. The way back, of a run or an explicit",
    "rollback, has a limit of its own: for each restore three minutes (ten where the old source is built again),",
    "for each proof `health.within`, for each write half a minute; together at least 5 and at most 30 minutes,",
    "shared so that one step that hangs leaves the others their time. When it passes, what runs is given up and",
    "the run ends with exit 8 (10 when a rollback was asked for), saying what is not known and what is not back.",
    "",
    "The result `inFlight` means that the run stays open. In each such row the same command is given once more",
    "when the fault is over: it finds out what was left, and ends well.",
  ]

  static func section(_ group: String) -> [String] {
    [
      "", "## \(group.prefix(1).uppercased())\(group.dropFirst())", "",
      "| fault | exit | result | live: api, web | took | message | next |",
      "|---|---|---|---|---|---|---|",
    ]
  }

  static func line(_ row: FaultRow, _ outcome: FaultOutcome) -> String {
    let message = outcome.message
    var words = message?.message ?? ""
    if let cause = message?.cause { words += " — \(cause)" }
    let cells = [
      row.name, String(outcome.exit.rawValue), outcome.state?.rawValue ?? "—",
      "\(outcome.live.api), \(outcome.live.web)", took(outcome.duration), words, message?.hint ?? "",
    ]
    return "| " + cells.map(escaped).joined(separator: " | ") + " |"
  }

  /// In steps of five seconds: what lies below them is jitter.
  private static func took(_ duration: Duration) -> String {
    let seconds = Int((duration.inSeconds / 5).rounded()) * 5
    return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
  }

  /// Identifiers of the twin say nothing to a reader.
  private static func escaped(_ text: String) -> String {
    var text = text.replacing("|", with: "\\|").replacing("\n", with: " ")
    text = text.replacing(#/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/#, with: "…")
    return text.replacing("<", with: "&lt;")
  }
}
