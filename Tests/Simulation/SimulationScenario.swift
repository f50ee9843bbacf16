import Concurrency
import Engine
import Model

/// The plan of a case and the world it meets.
struct SimulationScenario {
  let theCase: SimulationCase
  let plan: Plan
  let services: [ServiceName: SimulationCase.Service]
  /// Services that the plan changes, in the order of going live.
  let changed: [ServiceName]

  init(_ theCase: SimulationCase) {
    self.theCase = theCase
    services = Dictionary(theCase.services.map { (ServiceName(rawValue: $0.name), $0) }) { first, _ in first }
    let changing = theCase.services.filter { !$0.isUnchanged }
    changed = changing.map { ServiceName(rawValue: $0.name) }
    plan = theCase.isRollback ? Self.rollback(theCase, changing) : Self.deploy(theCase, changing)
  }

  private static func rollback(_ theCase: SimulationCase, _ changing: [SimulationCase.Service]) -> Plan {
    let names = changing.map { ServiceName(rawValue: $0.name) }
    let redeployed = changing.filter { $0.back == .redeploy }.map { ServiceName(rawValue: $0.name) }
    return Make.plan(
      Make.rollback(
        names.reversed(), writesVariables: changing.first?.writesVariables ?? false,
        redeployed: Set(redeployed)), kind: .rollback, deadline: .seconds(theCase.deadline))
  }

  private static func deploy(_ theCase: SimulationCase, _ changing: [SimulationCase.Service]) -> Plan {
    var steps: [Step] = []
    var beforeAll: [StepID] = []
    if let kind = theCase.command {
      let command = Make.command("tests", repeatable: kind == .repeatable)
      steps.append(command)
      if theCase.isCommandFirst { beforeAll = [command.id] }
    }
    var schema: [StepID] = []
    if let database = theCase.database {
      let made = Make.database(database)
      steps += made
      schema = made.map(\.id).filter { $0 != Make.index }
    }
    let known = Set(changing.map(\.name))
    for service in changing {
      let name = ServiceName(rawValue: service.name)
      func proofs(_ names: [String]) -> [StepID] {
        names.filter(known.contains).map { StepID("\($0).prove") }
      }
      let needs = beforeAll + schema + proofs(service.needs)
      steps +=
        service.kind == .staged
        ? Make.staged(
          name, needs: needs, buildNeeds: schema + proofs(service.buildNeeds), isFirst: service.isFirst,
          writesVariables: service.writesVariables)
        : Make.service(
          name, needs: needs, isFirst: service.isFirst, writesVariables: service.writesVariables,
          isRedeployed: service.back == .redeploy, cutOver: service.kind == .stopFirst ? .stopFirst : .gated)
      if service.soaks { steps.append(Make.soak(name)) }
    }
    let staged = changing.filter { $0.kind == .staged }.map { ServiceName(rawValue: $0.name) }
    let others = changing.filter { $0.kind != .staged }.map { ServiceName(rawValue: $0.name) }
    steps = CutOverOrder(staged: staged, others: others).arranged(steps)
    if theCase.hasCheck {
      steps.append(Make.check("smoke", needs: changing.map { StepID("\($0.name).prove") }))
    }
    return Make.plan(
      Make.ordered(steps), deadline: .seconds(theCase.deadline),
      hasPrevious: !changing.contains(where: \.isFirst))
  }

  /// Nothing ran for the service before.
  func isFirst(_ name: ServiceName) -> Bool { services[name]?.isFirst ?? false }

  /// The service is as declared: no part of the plan.
  func isUnchanged(_ name: ServiceName) -> Bool { services[name]?.isUnchanged ?? false }

  /// The old image of the service is gone.
  func isGone(_ name: ServiceName) -> Bool { services[name]?.back == .gone }

  /// What is live and stored before: for a rollback the new release, else the old one.
  var world: SimulationWorld {
    var world = SimulationWorld()
    world.schema = theCase.isRollback ? nil : theCase.database.map(SimulationSchema.init)
    for (name, service) in services {
      let isNew = theCase.isRollback || service.isUnchanged
      let variables = isNew ? "new" : "old"
      world.sites[name] = SimulationWorld.Site(
        commit: service.isFirst && !isNew ? nil : isNew ? Make.new : Make.old, stored: variables,
        runs: variables)
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
  var hasUnknowableStep: Bool { theCase.command == .once }
}
