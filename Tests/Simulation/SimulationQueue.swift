import Concurrency
import Engine
import Model

/// What can happen next in a simulation.
enum SimulationHappening {
  /// A command on a machine asks for the lease.
  case contends(Int)
  case event(EngineEvent)
  /// What was written to the journal so far reaches the ledger.
  case flush
  /// A performer's call goes on.
  case call(Int)
  case probeAnswers(Step)
  case abandonAnswers(Step)
  /// In the world: a deployment goes live or fails, whoever is still there to see it.
  case settles(String, SimulationWorld.Ending)
  /// In the world: a promotion comes to its end.
  case promotes(String, fails: Bool)
  /// In the world: what a killed process had sent to the database comes to its end.
  case sessionEnds(takesEffect: Bool)
  case heartbeat
  /// A renewal reaches the ledger.
  case renews(askedAt: Timestamp)
}

/// What is to happen, the earliest first; of equals the first that was asked for. A binary heap.
struct SimulationQueue {
  struct Item {
    var at: Timestamp
    var order: Int
    /// Nil: not in a process.
    var process: Int?
    var happening: SimulationHappening
  }

  private var heap: [Item] = []
  private var order = 0

  mutating func add(_ at: Timestamp, _ process: Int?, _ happening: SimulationHappening) {
    order += 1
    insert(Item(at: at, order: order, process: process, happening: happening))
  }

  /// Postpones what was taken; among equals it keeps its place.
  mutating func putBack(_ item: Item, at moment: Timestamp) {
    var item = item
    item.at = moment
    insert(item)
  }

  private mutating func insert(_ item: Item) {
    heap.append(item)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard isEarlier(index, parent) else { break }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  mutating func take() -> Item? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && isEarlier(child, least) {
        least = child
      }
      guard least != index else { return first }
      heap.swapAt(index, least)
      index = least
    }
  }

  private func isEarlier(_ left: Int, _ right: Int) -> Bool {
    (heap[left].at, heap[left].order) < (heap[right].at, heap[right].order)
  }
}
