package import Concurrency
package import Model

/// Brings notices to their receivers beside a run: it never waits for them, never fails because of them, and in
/// the end gives those that hang a short time, all at once.
package actor Notifier {
  /// One receiver with its messages, sent one after the other.
  private struct Lane {
    var receiver: any NoticeReceiver
    var events: Set<Notice.Event>
    /// The end of what was given to it so far.
    var tail: Task<Void, Never>?
    /// By run, the message that is to be replaced.
    var references: [RunID: String] = [:]
    /// Notices that are on their way.
    var pending = 0
    /// Why the newest notice did not get through.
    var trouble: String?
  }

  /// How long the end of a run waits for its receivers, together.
  package static let patience = Duration.milliseconds(1800)
  /// The longest try while the run goes on.
  private static let longestTry = Duration.seconds(5)
  private static let tries = 3

  private var lanes: [Lane]
  private let clock: any TimeSource
  private let spawn: Spawner
  private let redact: @Sendable (String) -> String
  private let sent: SentMessages?
  private var kept: [SentMessages.Entry]
  /// Runs whose end was told: a late beginning of them is dropped.
  private var ended: Set<RunID> = []
  /// When everything must be over.
  private var deadline: Timestamp?
  private let unready: [String]

  /// - Parameter sent: where messages are remembered for the next process; nil: nowhere.
  package init(
    _ receivers: [DeclaredReceiver], clock: any TimeSource, spawn: Spawner = .tasks,
    redact: @escaping @Sendable (String) -> String, sent: SentMessages? = nil
  ) {
    let names = Set(receivers.map(\.name))
    let kept = (sent?.load() ?? []).filter { names.contains($0.receiver) }
    self.kept = kept
    lanes = receivers.compactMap { declared in
      declared.receiver.map { receiver in
        let own = kept.filter { $0.receiver == declared.name }.compactMap { entry in
          entry.reference.map { (entry.run, $0) }
        }
        return Lane(
          receiver: receiver, events: declared.events, references: Dictionary(own) { _, last in last })
      }
    }
    unready = receivers.filter { $0.receiver == nil }.map { declared in
      "\(declared.name): \(declared.missing.joined(separator: " and ")) is not set"
    }
    self.clock = clock
    self.spawn = spawn
    self.redact = redact
    self.sent = sent
  }

  /// Tells from anywhere, without waiting.
  package nonisolated func tell(_ notice: Notice) {
    spawn { await self.take(notice) }
  }

  /// Runs of earlier processes whose end has not been told.
  package var untold: [RunID] { Array(Set(kept.map(\.run)).subtracting(ended)).sorted() }

  /// Nothing will be told of these runs, for the ledger does not know them.
  package func forget(_ runs: [RunID]) {
    kept.removeAll { runs.contains($0.run) }
    sent?.save(kept)
  }

  /// Tells the last notices, waits for everything that is on its way, and gives up what takes longer.
  /// - Parameter limit: when it must be over at the latest; ``patience`` may end it earlier.
  /// - Returns: one line about those who were not told; nil when everybody was.
  package func finish(_ notices: [Notice], by limit: Timestamp? = nil) async -> String? {
    let patience = clock.now + Notifier.patience
    let deadline = max(clock.now, min(limit ?? patience, patience))
    self.deadline = deadline
    for notice in notices { take(notice) }
    let tails = lanes.compactMap(\.tail)
    await wait(for: tails, until: deadline)
    for tail in tails { tail.cancel() }
    var troubles = notices.isEmpty ? [] : unready
    for lane in lanes {
      if lane.pending > 0 {
        troubles.append("\(lane.receiver.name): \(lane.trouble ?? "it did not answer in time")")
      } else if let trouble = lane.trouble {
        troubles.append("\(lane.receiver.name): \(trouble)")
      }
    }
    guard !troubles.isEmpty else { return nil }
    return redact("not told: " + troubles.joined(separator: "; "))
  }

  private func wait(for tasks: [Task<Void, Never>], until deadline: Timestamp) async {
    guard !tasks.isEmpty else { return }
    let (signal, done) = AsyncStream.makeStream(of: Void.self)
    spawn {
      for task in tasks { await task.value }
      done.finish()
    }
    let clock = clock
    let limit = spawn {
      guard (try? await clock.sleep(until: deadline)) != nil else { return }
      done.finish()
    }
    for await _ in signal {}
    limit.cancel()
  }

  private func take(_ notice: Notice) {
    if let run = notice.run {
      if notice.event == .started, ended.contains(run) { return }
      if notice.event != .started { ended.insert(run) }
    }
    let safe = notice.mapped(redact)
    for index in lanes.indices {
      let lane = lanes[index]
      // Who has read that a run began, or may just be reading it, reads how it ended.
      let isExpected = notice.run.map { lane.references[$0] != nil } ?? false
      guard lane.events.contains(notice.event) || isExpected || lane.pending > 0 else { continue }
      lanes[index].pending += 1
      let earlier = lane.tail
      lanes[index].tail = spawn {
        await earlier?.value
        await self.deliver(safe, index)
      }
    }
  }

  private func deliver(_ notice: Notice, _ index: Int) async {
    defer { lanes[index].pending -= 1 }
    let isExpected = notice.run.map { lanes[index].references[$0] != nil } ?? false
    guard lanes[index].events.contains(notice.event) || isExpected else { return }
    let receiver = lanes[index].receiver
    if notice.isLast, receiver.isIdempotent { keep(notice, index, reference: nil) }
    for attempt in 1...Notifier.tries {
      let left = min(Notifier.longestTry, (deadline ?? clock.now + Notifier.longestTry) - clock.now)
      guard left > .zero, !Task.isCancelled else { break }
      let reference = notice.run.flatMap { lanes[index].references[$0] }
      do throws(NoticeFailure) {
        let new = try await receiver.send(notice, replacing: reference, limit: left)
        lanes[index].trouble = nil
        note(notice, index, new)
        return
      } catch {
        lanes[index].trouble = error.message
        guard let pause = pause(error.again, attempt, isSafe: receiver.isIdempotent || reference != nil),
          clock.now + pause < deadline ?? clock.now + .seconds(60),
          (try? await clock.sleep(for: pause)) != nil
        else { return }
      }
    }
  }

  /// How long to wait before another try; nil: there is none.
  private func pause(_ again: NoticeFailure.Again, _ attempt: Int, isSafe: Bool) -> Duration? {
    let usual = Duration.milliseconds(250 * attempt)
    guard attempt < Notifier.tries else { return nil }
    switch again {
    case .useless: return nil
    case .harmless(let after): return after ?? (attempt == 1 ? usual : nil)
    case .once: return attempt == 1 ? usual : nil
    case .doubling: return isSafe ? usual : nil
    }
  }

  // MARK: What is remembered

  private func note(_ notice: Notice, _ index: Int, _ reference: String?) {
    guard let run = notice.run else { return }
    if notice.isLast {
      lanes[index].references[run] = nil
      kept.removeAll { $0.run == run && $0.receiver == lanes[index].receiver.name }
      sent?.save(kept)
    } else if let reference {
      lanes[index].references[run] = reference
      keep(notice, index, reference: reference)
    }
  }

  private func keep(_ notice: Notice, _ index: Int, reference: String?) {
    guard let run = notice.run, sent != nil else { return }
    let name = lanes[index].receiver.name
    kept.removeAll { $0.run == run && $0.receiver == name }
    kept.append(SentMessages.Entry(run: run, receiver: name, reference: reference))
    sent?.save(kept)
  }
}
