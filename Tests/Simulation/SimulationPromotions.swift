import Concurrency
import Engine
import Ledgers
import Model

/// Promotions of staged objects: a job that is accepted, takes its effect later, and cannot be broken off.
extension Simulation {
  func promote(_ promotion: Promotion, _ call: SimulationCall) throws(Violation) {
    let service = promotion.target.service
    if fault(6) { world.intrude(service) }
    if world.sites[service]?.isForeign ?? false {
      return try end(call, .failed(Make.failure(.stale, "somebody else promoted"), moved: false))
    }
    guard let object = world.object(of: promotion.deploymentStep) else {
      throw Violation(.probedFirst, "\(call.step.id) has nothing to promote")
    }
    // A repeat of what took place is refused, and read again.
    if object.status == .live { return try end(call, .done(result(object))) }
    if fault() { return try fail(call) }
    guard accept(promotion, call.step) != nil else {
      return try end(call, .failed(Make.failure(.failed, "it cannot be promoted"), moved: false))
    }
    var waiting = call
    waiting.stage = .identifying
    waiting.externalID = object.id
    calls[call.step.id] = waiting
    try deliver(.identified(call.step.id, externalID: object.id))
  }

  /// The request has reached the platform.
  func accept(_ promotion: Promotion, _ step: Step) -> String? {
    guard let object = world.object(of: promotion.deploymentStep), object.status == .staged else {
      return nil
    }
    guard !object.isPromoting else { return object.id }
    if ledger.state.fence != current.held.lease.fence {
      world.breakPromise(.oneHolder, "\(step.id) takes effect under an old fence")
    }
    let first = step.needs.compactMap { need in
      need.rawValue.hasSuffix(".prove") ? ServiceName(rawValue: String(need.rawValue.dropLast(6))) : nil
    }
    world.accept(promotion, of: object.id, first: first)
    laterInWorld(milliseconds(500...20_000), .promotes(object.id, fails: fault(6)))
    return object.id
  }

  func watchPromotion(_ call: SimulationCall) throws(Violation) {
    guard let object = call.externalID.flatMap({ world.object($0) }) else {
      return try end(call, .failed(Make.failure(.failed, "it is gone"), moved: false))
    }
    if fault(8) {
      return try end(call, .ambiguous(Make.failure(.unknown, "cannot be read")))
    }
    switch object.status {
    case .live: try end(call, .done(result(object)))
    case .staged where object.isPromoting:
      guard clock < call.deadline else {
        // It can still take effect: it has to be taken back.
        return try end(call, .failed(Make.failure(.timeout, "not promoted in time"), moved: true))
      }
      later(.seconds(1), .call(call.number))
    case .staged: try end(call, .failed(Make.failure(.failed, "the promotion failed"), moved: false))
    default: try end(call, .failed(Make.failure(.stale, "replaced"), moved: object.wasLive))
    }
  }

  func findPromotion(_ promotion: Promotion) -> Finding {
    guard let object = world.object(of: promotion.deploymentStep) else { return .absent }
    switch object.status {
    case .live: return .done(result(object))
    case .staged: return object.isPromoting ? .underWay(externalID: object.id) : .absent
    default:
      return .failed(Make.failure(.stale, "replaced by somebody"), moved: object.wasLive)
    }
  }

  func becameOf(_ promotion: Promotion) -> Abandonment {
    guard let object = world.object(of: promotion.deploymentStep) else { return .cancelled }
    if object.status == .live { return .tookEffect(result(object)) }
    return object.isPromoting ? .inFlight("the promotion goes on") : .cancelled
  }
}
