import FoundationEssentials
import JSON
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The messages about runs whose end has not been told: what is needed to replace them, on this machine.
///
/// A process that is killed leaves a message that says "in progress". Whoever comes next finds it here and makes
/// it the truth. It holds no secret; without it a second message is sent instead.
package struct SentMessages: Sendable {
  /// One message, or the intent to send one again.
  struct Entry: Sendable, Hashable {
    var run: RunID
    /// The receiver's name.
    var receiver: String
    /// Nil: what was sent is not known, and sending it again is shown once.
    var reference: String?
  }

  private let path: String

  /// - Parameter path: such as `.shipit/prod.notices.json`; its directory must exist.
  package init(path: String) { self.path = path }

  /// What is kept at most: receivers that are dead for long must not make it grow.
  private static let limit = 40

  /// Nothing when the file is not there or broken: it is a convenience.
  func load() -> [Entry] {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)), let list = try? JSON(parsing: data)
    else { return [] }
    return (list.array ?? []).compactMap { item in
      guard let run = item["run"]?.int, let receiver = item["receiver"]?.string else { return nil }
      return Entry(run: RunID(Int(run)), receiver: receiver, reference: item["reference"]?.string)
    }
  }

  /// Replaces the file in one step, readable by its owner alone; gives up silently when it cannot be written.
  func save(_ entries: [Entry]) {
    guard !entries.isEmpty else {
      unlink(path)
      return
    }
    let list = JSON.array(
      entries.suffix(SentMessages.limit).map { entry in
        [
          "run": .int(Int64(entry.run.number)), "receiver": .string(entry.receiver),
          "reference": entry.reference.map(JSON.string) ?? .null,
        ]
      })
    let bytes = Array((list.serialized() + "\n").utf8)
    let draft = path + ".\(getpid())"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    if written == bytes.count { rename(draft, path) } else { unlink(draft) }
  }
}
