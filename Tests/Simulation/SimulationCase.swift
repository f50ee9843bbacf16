import Concurrency
import FoundationEssentials
import Model

/// What one simulated run stands for, as a value: a plan, the world it meets, how hostile that world is, and the
/// seed of everything else. It is drawn from a seed, shrunk, printed, and read again.
package struct SimulationCase: Codable, Equatable, Sendable {
  enum Class: String, Codable, Sendable { case gated, staged, stopFirst }

  /// How a service goes back.
  enum WayBack: String, Codable, Sendable {
    /// The platform's own rollback, with the old variables.
    case copy
    /// A rollout of the old commit, with the variables that are stored then.
    case redeploy
    /// The platform keeps the old image no longer: only an attempt to go back finds out.
    case gone
  }

  struct Service: Codable, Equatable, Sendable {
    var name: String
    var kind = Class.gated
    var back = WayBack.copy
    /// Nothing ran for it before.
    var isFirst = false
    /// It runs the new commit already and is no part of the plan.
    var isUnchanged = false
    var writesVariables = false
    var soaks = false
    /// Names of services before it.
    var needs: [String] = []
    /// Those of them that its build needs as well.
    var buildNeeds: [String] = []
  }

  /// Something of the user's that is run.
  enum Command: String, Codable, Sendable { case once, repeatable }

  /// Per mille.
  struct Rates: Codable, Equatable, Sendable {
    /// For each call of a performer.
    var faults = 0
    /// For each event of a process.
    var kills = 0
    var interruptions = 0
    /// The machine sleeps or the process is stopped for a while, for each event.
    var pauses = 0
    /// A renewal gets no answer, for each heartbeat.
    var renewals = 0
    /// The ledger cannot be reached for a while, for each heartbeat.
    var partitions = 0
  }

  var seed: UInt64
  var isRollback = false
  var deadline = 1800
  var services: [Service] = []
  var command: Command?
  /// Everything else waits for the command.
  var isCommandFirst = false
  var hasCheck = false
  /// Nil: none.
  var database: Database?
  var rates = Rates()
  /// How many machines want the same at the same time.
  var contenders = 1
  /// The ledger learns of a holder's death at once, as one on the same machine does.
  var isLocal = true
  /// Per machine, how far its clock is off, in seconds, and how much it gains, in parts per million.
  var offsets: [Int] = [0]
  var drifts: [Int] = [0]
  /// The troubles that may happen, by their number in the run; nil: all that are drawn.
  var only: [Int]?

  /// - Throws: `DecodingError` when the text is none of `text`.
  package init(_ text: String) throws {
    self = try JSONDecoder().decode(SimulationCase.self, from: Data(text.utf8))
  }

  /// The case on one line.
  package var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
  }
}

extension SimulationCase {
  /// The case of a seed.
  package init(seed: UInt64) {
    self.seed = seed
    var random = SeededRandom(seed: seed)
    rates.faults = [0, 30, 100, 250][random.number(0...3)]
    rates.kills = [0, 0, 10, 40][random.number(0...3)]
    rates.interruptions = [0, 0, 5, 20][random.number(0...3)]
    rates.pauses = [0, 0, 0, 3, 10][random.number(0...4)]
    rates.renewals = [0, 0, 50, 200][random.number(0...3)]
    rates.partitions = [0, 0, 30, 100][random.number(0...3)]
    contenders = [1, 1, 2, 3][random.number(0...3)]
    isLocal = random.chance(400)
    offsets = []
    drifts = []
    for _ in 0..<contenders {
      // Machines that share a local ledger share a clock.
      offsets.append(isLocal || random.chance(500) ? 0 : random.number(-120...120))
      drifts.append(isLocal || random.chance(500) ? 0 : random.number(-500...500))
    }
    // Mostly few, for troubles meet sooner then.
    let count = random.chance(850) ? random.number(1...4) : random.number(5...12)
    deadline = random.chance(100) ? 60 : 1800
    isRollback = random.chance(200)
    let writesVariables = random.chance(500)
    // 0: all at once, 1: a chain, 2: layers, 3: any.
    let shape = random.number(0...3)
    let hasClasses = random.chance(600)
    for index in 0..<count {
      var service = Service(name: String(UnicodeScalar(UInt8(97 + index))))
      if hasClasses {
        service.kind = [.gated, .staged, .stopFirst][random.number(0...2)]
        if service.kind != .staged, random.chance(400) { service.back = .redeploy }
      }
      if random.chance(30) { service.back = .gone }
      service.writesVariables = isRollback ? writesVariables : random.chance(600)
      if !isRollback {
        service.isFirst = random.chance(60)
        service.isUnchanged = index > 0 && random.chance(80)
        service.soaks = random.chance(300)
        for earlier in 0..<index {
          let isNeeded =
            switch shape {
            case 0: false
            case 1: earlier == index - 1
            case 2: earlier / 2 == index / 2 - 1
            default: random.chance(400)
            }
          guard isNeeded else { continue }
          service.needs.append(services[earlier].name)
          if random.chance(200) { service.buildNeeds.append(services[earlier].name) }
        }
      }
      services.append(service)
    }
    guard !isRollback else { return }
    if random.chance(250) {
      command = random.chance(500) ? .repeatable : .once
      isCommandFirst = random.chance(500)
    }
    hasCheck = random.chance(400)
    guard random.chance(300) else { return }
    database = Database(
      files: random.number(1...3), hasBackup: random.chance(600), hasIndex: random.chance(500),
      isContract: random.chance(300))
  }
}
