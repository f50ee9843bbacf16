import JSON
package import Model

/// Who else changes what shipit deploys: Railway's own deploys of pushes, and what others have staged (contract railway
/// §5.4, §9). Nothing of shipit's commits the staged patch: settings and variables are written by calls of their own, and
/// `environmentPatchCommit` commits the patch it is given.
extension RailwayPlatform {
  package func rivals(_ environment: Environment) async throws(Failure) -> [String] {
    let services = environment.services.filter { $0.platform == .railway }
    guard !services.isEmpty else { return [] }
    let resolved = try await resolve(environment)
    let state = try await readState(resolved, withVolumes: false)
    var notes: [String] = []
    if state.stagedChanges > 0 { notes.append(await stagedNote(state, resolved)) }
    let targets = try await Resolution(client: client).services(services, in: state, resolved)
    let connected = targets.values.filter { state.services[$0.serviceID]?.repository != nil }
      .sorted { $0.name < $1.name }
    do {
      let deploying = try await client.deployingPushes(connected.map(\.serviceID), in: resolved.place)
      notes += connected.filter { deploying.contains($0.serviceID) }.map { target in
        "\(target.name) is also deployed by Railway on each push to "
          + "\(state.services[target.serviceID]?.repository ?? "its repository"); a deploy turns that off"
      }
    } catch {
      throw error.failure(
        "reading what deploys by itself in \(resolved.environment)", token: resolved.token.description)
    }
    return notes
  }

  /// What others have staged, by the names of what it changes; never a value.
  func stagedNote(_ state: EnvironmentState, _ resolved: ResolvedPlace) async -> String {
    let waits = state.stagedChanges == 1 ? "staged change waits" : "staged changes wait"
    var words: [String] = []
    if let answer = try? await client.read(
      Documents.stagedChanges, ["environmentId": .string(resolved.place.environment)])
    {
      for (id, change) in (answer["environmentStagedChanges"]?["patch"]?["services"]?.object ?? [:])
        .sorted(by: { $0.key < $1.key })
      {
        let parts = (change.object ?? [:]).sorted { $0.key < $1.key }.flatMap { part, value in
          value.object.map { $0.keys.sorted() } ?? [part]
        }
        words.append("\(state.services[id]?.name ?? id): \(parts.joined(separator: ", "))")
      }
    }
    return "\(state.stagedChanges) \(waits) in Railway's environment \(resolved.environment)"
      + (words.isEmpty ? "" : " (\(words.joined(separator: "; ")))")
      + "; shipit leaves them alone, and commits nothing of them"
  }
}

extension RailwayClient {
  /// How many automatic deploys are asked for in one request.
  private static let mostTriggers = 50

  /// Those of some services that deploy pushes by themselves. Only a service that is connected to a repository can.
  func deployingPushes(
    _ services: [String], in place: Place, _ manner: Manner = .read
  ) async throws(APIError) -> Set<String> {
    var deploying: Set<String> = []
    for start in stride(from: 0, to: services.count, by: RailwayClient.mostTriggers) {
      let chunk = services[start..<min(start + RailwayClient.mostTriggers, services.count)]
      var variables: [String: JSON] = [
        "projectId": .string(place.project), "environmentId": .string(place.environment),
      ]
      for (index, id) in chunk.enumerated() { variables["s\(index)"] = .string(id) }
      let data = try await read(Documents.autoDeploys(chunk.count), variables, manner)
      for (index, id) in chunk.enumerated() where data["a\(index)"]?["enabled"]?.bool == true {
        deploying.insert(id)
      }
    }
    return deploying
  }
}

extension Documents {
  static let stagedChanges = Operation(
    """
    query ShipitStagedChanges($environmentId: String!) {
      environmentStagedChanges(environmentId: $environmentId) { id status patch }
    }
    """)
}
