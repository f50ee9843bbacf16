package import JSON

/// A line of a fault script: a fault of requests, or a behaviour of deployments.
///
/// ```json
/// {"operation": "ShipitDeploy", "service": "api", "nth": 2, "count": 1, "fault": "cut"}
/// {"deployment": "gate-never-passes", "service": "api", "trigger": "rollback"}
/// ```
/// `count` may be `"always"`.
package enum FaultScript: Sendable {
  case request(FaultRule)
  case deployment(BehaviourRule)

  /// - Throws: `Refusal` saying which word is unknown.
  package init(_ script: JSON) throws(Refusal) {
    let service = script["service"]?.string
    let nth = Int(script["nth"]?.int ?? 1)
    let count: Int? = script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1)
    if let name = script["fault"]?.string {
      guard let fault = RequestFault(name: name, script: script) else {
        throw Refusal("unknown fault \(name); known: \(RequestFault.names.joined(separator: ", "))")
      }
      self = .request(
        FaultRule(fault, operation: script["operation"]?.string, service: service, nth: nth, count: count))
    } else if let name = script["deployment"]?.string {
      guard let behaviour = DeploymentBehaviour(name: name, script: script) else {
        throw Refusal(
          "unknown behaviour \(name); known: \(DeploymentBehaviour.names.joined(separator: ", "))")
      }
      let trigger = try script["trigger"]?.string.map { name throws(Refusal) in
        guard let trigger = Deployment.Trigger(rawValue: name) else {
          throw Refusal("unknown trigger \(name)")
        }
        return trigger
      }
      self = .deployment(
        BehaviourRule(behaviour, service: service, trigger: trigger, nth: nth, count: count))
    } else {
      throw Refusal("a fault needs the key \"fault\" or \"deployment\"")
    }
  }
}
