import Concurrency
import Engine
import Model

/// What one seed stands for: a plan, the world it meets, and how hostile that world is.
struct SimulationScenario {
  var plan: Plan
  var services: [ServiceName] = []
  /// Services that are staged, proven dark and promoted.
  var staged: Set<ServiceName> = []
  /// Services whose way back is a rollout of the old commit, with the variables that are stored then.
  var redeployed: Set<ServiceName> = []
  /// Services that nothing ran for before.
  var firsts: Set<ServiceName> = []
  /// Per mille, for each call of a performer.
  var faults: Int
  /// Per mille, for each event.
  var kills: Int
  var interruptions: Int
  /// Per mille, for each heartbeat.
  var leaseTroubles: Int

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    faults = [0, 30, 100, 250][random.number(0...3)]
    kills = [0, 0, 10, 40][random.number(0...3)]
    interruptions = [0, 0, 5, 20][random.number(0...3)]
    leaseTroubles = [0, 0, 50, 200][random.number(0...3)]
    let count = random.number(1...4)
    let names = ["a", "b", "c", "d"].prefix(count).map { ServiceName(rawValue: $0) }
    services = names
    let deadline = Duration.seconds(random.chance(100) ? 60 : 1800)
    // Drawn apart, so that a seed goes on meaning the same for the rest.
    var classes = SeededRandom(seed: seed ^ 0x57A6)
    let hasClasses = classes.chance(500)
    for name in names where hasClasses {
      if classes.chance(400) { staged.insert(name) } else if classes.chance(400) { redeployed.insert(name) }
    }
    if random.chance(200) {
      plan = Make.plan(
        Make.rollback(names.reversed(), writesVariables: random.chance(500), redeployed: redeployed),
        kind: .rollback,
        deadline: deadline)
      return
    }
    var steps: [Step] = []
    var beforeAll: [StepID] = []
    if random.chance(250) {
      let command = Make.command("tests", repeatable: random.chance(500))
      steps.append(command)
      if random.chance(500) { beforeAll = [command.id] }
    }
    // 0: all at once, 1: a chain, 2: layers, 3: any.
    let shape = random.number(0...3)
    for (index, name) in names.enumerated() {
      var needs = beforeAll
      for earlier in 0..<index {
        let isNeeded =
          switch shape {
          case 0: false
          case 1: earlier == index - 1
          case 2: earlier / 2 < index / 2
          default: random.chance(400)
          }
        if isNeeded { needs.append(StepID("\(names[earlier]).prove")) }
      }
      let isFirst = random.chance(60)
      if isFirst { firsts.insert(name) }
      let writesVariables = random.chance(600)
      steps +=
        staged.contains(name)
        ? Make.staged(
          name, needs: needs, buildNeeds: needs.filter { _ in classes.chance(200) }, isFirst: isFirst,
          writesVariables: writesVariables)
        : Make.service(
          name, needs: needs, isFirst: isFirst, writesVariables: writesVariables,
          isRedeployed: redeployed.contains(name))
      if random.chance(300) { steps.append(Make.soak(name)) }
    }
    let staged = staged
    steps = CutOverOrder(staged: names.filter(staged.contains), others: names.filter { !staged.contains($0) })
      .arranged(steps)
    if random.chance(400) {
      steps.append(Make.check("smoke", needs: names.map { StepID("\($0).prove") }))
    }
    plan = Make.plan(Make.ordered(steps), deadline: deadline, hasPrevious: firsts.isEmpty)
  }

  /// What is live and stored before: for a rollback the new release, else the old one.
  var world: SimulationWorld {
    var world = SimulationWorld()
    let isRollback = plan.kind == .rollback
    for name in services {
      world.sites[name] = SimulationWorld.Site(
        commit: firsts.contains(name) ? nil : isRollback ? Make.new : Make.old,
        stored: isRollback ? "new" : "old", runs: isRollback ? "new" : "old",
        isStaged: staged.contains(name))
    }
    return world
  }

  /// The longest a run may last: its deadline, two minutes until the first step back, and at most thirty
  /// minutes for the way back; and for either what is left to a performer and to a platform that is asked
  /// to stop. On the way forward a step that is looked up may begin just before the deadline.
  var longest: Duration {
    let back = Duration.seconds(1800 + 15 + 3 + 5)
    return plan.kind == .rollback ? back : plan.deadline + .seconds(120 + 15 + 3) + back
  }

  /// A command that must not be repeated: killed in the middle, nobody can say what it did.
  var hasUnknowableStep: Bool {
    plan.steps.contains { step in
      if case .command(let command) = step.action { !command.repeatable } else { false }
    }
  }
}
