import Concurrency
import Model

/// One poller for each environment, shared by all steps that wait there.
actor Pollers {
  private let client: RailwayClient
  private var pollers: [Place: EnvironmentPoller] = [:]

  init(client: RailwayClient) { self.client = client }

  func poller(for place: Place) -> EnvironmentPoller {
    if let known = pollers[place] { return known }
    let made = EnvironmentPoller(client: client, place: place)
    pollers[place] = made
    return made
  }
}

/// Reads an environment at a quota-aware pace while somebody waits, and hands each reading to all who wait.
actor EnvironmentPoller {
  typealias Reading = Result<EnvironmentState, APIError>

  private let client: RailwayClient
  private let place: Place
  private var waiting: [Int: (until: Timestamp, continuation: CheckedContinuation<Reading, any Error>)] = [:]
  private var lastTicket = 0
  private var round: Task<Void, Never>?
  private var isReading = false
  private var pace = PollPace()

  init(client: RailwayClient, place: Place) {
    self.client = client
    self.place = place
  }

  /// The next reading.
  /// - Parameters:
  ///   - soon: something has begun or changed; the pace starts afresh.
  ///   - limit: when the caller needs an answer at the latest, be it an error.
  /// - Throws: `CancellationError` when the task is cancelled, at once.
  func next(soon: Bool, by limit: Timestamp) async throws -> Reading {
    lastTicket += 1
    let ticket = lastTicket
    if soon {
      pace.restart()
      if !isReading {
        round?.cancel()
        round = nil
      }
    }
    return try await withTaskCancellationHandler {
      try Task.checkCancellation()
      return try await withCheckedThrowingContinuation { continuation in
        waiting[ticket] = (limit, continuation)
        if round == nil { round = client.spawn { await self.poll() } }
      }
    } onCancel: {
      client.spawn { await self.leave(ticket) }
    }
  }

  private func leave(_ ticket: Int) {
    waiting.removeValue(forKey: ticket)?.continuation.resume(throwing: CancellationError())
    if waiting.isEmpty, !isReading {
      round?.cancel()
      round = nil
    }
  }

  /// What is left to the caller in the greatest hurry.
  private var untilFirstLimit: Duration {
    max(.zero, (waiting.values.map(\.until).min() ?? client.clock.now) - client.clock.now)
  }

  private func poll() async {
    let quota = await client.quota
    let paced = pace.next(quota, now: client.clock.now, random: client.random())
    do { try await client.clock.sleep(for: min(paced, untilFirstLimit)) } catch { return }
    // A round that was cancelled between sleep and here has a successor.
    if Task.isCancelled { return }
    isReading = true
    let reading: Reading
    // One attempt: the next round is the retry.
    do throws(APIError) {
      let budget = max(.seconds(1), min(.seconds(20), untilFirstLimit))
      reading = .success(
        try await client.state(of: place, .init(timeout: budget, attempts: 1, patience: budget)))
    } catch { reading = .failure(error) }
    isReading = false
    round = nil
    let served = waiting
    waiting = [:]
    for entry in served.values { entry.continuation.resume(returning: reading) }
  }
}
