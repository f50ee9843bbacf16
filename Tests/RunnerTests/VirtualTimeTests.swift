import Concurrency
import Foundation
import TestSupport
import Testing

/// The clock that the tests of this room stand on.
@Suite struct VirtualTimeTests {
  @Test func sleepersWakeInTheOrderOfTheirMoments() throws {
    let order = try VirtualTime().run { clock, spawn in
      let log = Locked<[Int]>([])
      let tasks = [3, 1, 2].map { hours in
        spawn {
          try? await clock.sleep(for: .seconds(hours * 3600))
          log.withLock { $0.append(hours) }
        }
      }
      for task in tasks { await task.value }
      return log.withLock { $0 }
    }
    #expect(order == [1, 2, 3])
  }

  @Test func aCancelledSleepEndsAtOnce() throws {
    let took = try VirtualTime().run { clock, spawn in
      let start = clock.now
      let threw = Locked(false)
      let task = spawn {
        do { try await clock.sleep(for: .seconds(3600)) } catch { threw.withLock { $0 = true } }
      }
      try await clock.sleep(for: .seconds(1))
      task.cancel()
      await task.value
      #expect(threw.withLock { $0 })
      // Cancelled before it lay down.
      let early = spawn { try? await clock.sleep(for: .seconds(3600)) }
      early.cancel()
      await early.value
      return clock.now - start
    }
    #expect(took == .seconds(1))
  }

  @Test func aStoryPlayedOnAnotherThreadBelongsToItsTest() async throws {
    let told = Locked<[String?]>([])
    let play = VirtualTime().begin { clock, spawn in
      told.withLock { $0.append(Test.current?.name) }
      await spawn { told.withLock { $0.append(Test.current?.name) } }.value
      try await clock.sleep(for: .seconds(1))
    }
    try await withCheckedThrowingContinuation { done in
      Thread.detachNewThread { done.resume(with: Result { try play() }) }
    }
    let name = Test.current?.name
    #expect(name != nil && told.withLock { $0 } == [name, name])
  }

  @Test func waitingForWhatNeverComesIsADeadlock() {
    #expect(throws: VirtualTime.Deadlock.self) {
      try VirtualTime().run { _, _ in
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        continuation.finish()
      }
    }
  }

  @Test func theSameRunTakesTheSameWay() throws {
    func play() throws -> [String] {
      try VirtualTime().run { clock, spawn in
        let log = Locked<[String]>([])
        let tasks = (0..<20).map { number in
          spawn {
            for _ in 0..<3 {
              try? await clock.sleep(for: .milliseconds(number * 7 % 5))
              log.withLock { $0.append("\(number)@\(clock.now.milliseconds)") }
            }
          }
        }
        for task in tasks { await task.value }
        return log.withLock { $0 }
      }
    }
    #expect(try play() == play())
  }
}
