import Concurrency
import HTTP
import JSON
import Testing

@testable import Twin

/// Contract §18.4: what a provider that is wrong about Railway stumbles over.
@Suite struct SemanticsTests {
  static let deployImage = #"mutation { serviceInstanceDeployV2(serviceId: "img", environmentId: "e") }"#

  private func deployImage(_ bench: Bench) async throws -> String {
    let id = try #require(try await bench.ask(Self.deployImage)["serviceInstanceDeployV2"]?.string)
    try await bench.reach(id, "SUCCESS")
    return id
  }

  private func write(_ bench: Bench, _ variables: JSON, to service: String?, skip: Bool = true) async throws {
    _ = try await bench.ask(
      "mutation($input: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $input) }",
      [
        "input": [
          "projectId": "p", "environmentId": "e", "serviceId": service.map(JSON.string) ?? .null,
          "variables": variables, "skipDeploys": .bool(skip),
        ]
      ])
  }

  private func image(_ bench: Bench, _ id: String) async throws -> String? {
    try await bench.ask("query($id: String!) { deployment(id: $id) { meta } }", ["id": .string(id)])[
      "deployment"]?[
        "meta"]?["image"]?.string
  }

  @Test func aNewImageDeploysNothingByItselfAndTheRedeployMutationsKeepTheOldOne() async throws {
    let bench = try Bench()
    let first = try await deployImage(bench)
    _ = try await bench.ask(
      #"mutation { serviceInstanceUpdate(serviceId: "img", environmentId: "e", input: {source: {image: "ghcr.io/acme/img:2"}}) }"#
    )
    #expect(await bench.core.state.deployments.count == 1)
    _ = try await bench.ask(#"mutation { serviceInstanceRedeploy(serviceId: "img", environmentId: "e") }"#)
    let again = try #require(await bench.core.state.deploymentOrder.last)
    #expect(again != first)
    #expect(try await image(bench, again) == "ghcr.io/acme/img:1")
    #expect(try await image(bench, try await deployImage(bench)) == "ghcr.io/acme/img:2")
    // By deployment as by service: what ran, not what is configured.
    let redeployed = try await bench.ask(
      "mutation($id: String!) { deploymentRedeploy(id: $id) { id } }", ["id": .string(first)])
    let old = try #require(redeployed["deploymentRedeploy"]?["id"]?.string)
    #expect(old != first)
    #expect(try await image(bench, old) == "ghcr.io/acme/img:1")
  }

  @Test func anUpdateWithoutReplicasResetsThemUnlessSwitchedOff() async throws {
    let bench = try Bench()
    let update = { (input: String) in
      "mutation { serviceInstanceUpdate(serviceId: \"api\", environmentId: \"e\", input: {\(input)}) }"
    }
    let read = #"{ serviceInstance(environmentId: "e", serviceId: "api") { numReplicas } }"#
    _ = try await bench.ask(update("numReplicas: 3"))
    _ = try await bench.ask(update("drainingSeconds: 3"))
    #expect(try await bench.ask(read)["serviceInstance"]?["numReplicas"] == 1)
    await bench.core.change { $0.switches.updateResetsReplicas = false }
    _ = try await bench.ask(update("numReplicas: 3"))
    _ = try await bench.ask(update("drainingSeconds: 4"))
    #expect(try await bench.ask(read)["serviceInstance"]?["numReplicas"] == 3)
  }

  @Test func aRepositoryDeploysTheCommitThatIsNamedAndRefusesOneThatIsNot() async throws {
    let bench = try Bench()
    let deploy = { (more: String) in
      "mutation { serviceInstanceDeployV2(serviceId: \"repo\", environmentId: \"e\"\(more)) }"
    }
    #expect(try await bench.refusal(deploy(#", commitSha: "3333333""#)) == "Commit not found")
    #expect(await bench.core.state.deployments.isEmpty)
    let id = try #require(
      try await bench.ask(deploy(#", commitSha: "1111111111111111111111111111111111111111""#))[
        "serviceInstanceDeployV2"]?.string)
    let same = try #require(try await bench.ask(deploy(""))["serviceInstanceDeployV2"]?.string)
    for id in [id, same] {
      #expect(
        await bench.core.state.deployments[id]?.meta["commitHash"]
          == "1111111111111111111111111111111111111111")
    }
  }

  @Test func writingVariablesDeploysTheServiceAndWhoeverRefersToThemUnlessSuppressed() async throws {
    let bench = try Bench()
    for service in ["api", "web", "img"] {
      let id = service == "img" ? try await deployImage(bench) : try await bench.deploy(service)
      try await bench.reach(id, "SUCCESS")
    }
    try await write(bench, ["GREETING": "hi"], to: "api")
    #expect(await bench.core.state.deployments.count == 3)
    try await write(bench, ["GREETING": "howdy"], to: "api", skip: false)
    let created = await bench.core.state.deploymentOrder.dropFirst(3)
    let state = await bench.core.state
    #expect(created.compactMap { state.deployments[$0]?.key.service } == ["api", "web"])
    #expect(created.allSatisfy { state.deployments[$0]?.meta["patchId"] != nil })
    _ = try await bench.ask(
      #"mutation { variableDelete(input: {projectId: "p", environmentId: "e", serviceId: "api", name: "GREETING"}) }"#
    )
    #expect(await bench.core.state.deployments.count == 5)
  }

  @Test func replacingVariablesDeletesTheRestAndDeletingOneDeploysNothing() async throws {
    let bench = try Bench()
    try await write(bench, ["ONE": "1", "TWO": "2"], to: "img")
    _ = try await bench.ask(
      "mutation($input: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $input) }",
      [
        "input": [
          "projectId": "p", "environmentId": "e", "serviceId": "img", "variables": ["TWO": "2"],
          "replace": true, "skipDeploys": true,
        ]
      ])
    let stored = try await bench.ask(#"{ variables(projectId: "p", environmentId: "e", serviceId: "img") }"#)
    #expect(stored["variables"] == ["TWO": "2"])
    let id = try await deployImage(bench)
    _ = try await bench.ask(
      #"mutation { variableDelete(input: {projectId: "p", environmentId: "e", serviceId: "img", name: "TWO"}) }"#
    )
    #expect(await bench.core.state.deployments.count == 1)
    #expect(await bench.core.state.deployments[id]?.variables["TWO"] == "2")
  }

  private static let stage = """
    mutation($input: EnvironmentConfig!, $merge: Boolean) {
      environmentStageChanges(environmentId: "e", input: $input, merge: $merge) { id status }
    }
    """

  private func staged(_ bench: Bench) async throws -> [String] {
    let read = #"{ environmentStagedChanges(environmentId: "e") { patch } }"#
    let patch = try await bench.ask(read)["environmentStagedChanges"]?["patch"]
    return (patch?["services"]?.object ?? [:]).keys.sorted()
  }

  @Test func stagingWithoutMergeDropsWhatOthersStagedAndCommittingTakesAllOfIt() async throws {
    let bench = try Bench()
    let foreign: JSON = ["services": ["web": ["variables": ["API": ["value": "foreign"]]]]]
    let own: JSON = ["services": ["api": ["variables": ["GREETING": ["value": "own"]]]]]
    _ = try await bench.ask(Self.stage, ["input": foreign, "merge": true])
    _ = try await bench.ask(Self.stage, ["input": own])
    #expect(try await staged(bench) == ["api"])
    _ = try await bench.ask(Self.stage, ["input": foreign, "merge": true])
    #expect(try await staged(bench) == ["api", "web"])
    let count = #"{ environment(id: "e") { unmergedChangesCount } }"#
    #expect(try await bench.ask(count)["environment"]?["unmergedChangesCount"] == 2)
    for service in ["api", "web"] { try await bench.reach(try await bench.deploy(service), "SUCCESS") }
    _ = try await bench.ask(
      #"mutation { environmentPatchCommitStaged(environmentId: "e", skipDeploys: false) }"#)
    let state = await bench.core.state
    let made = state.deploymentOrder.dropFirst(2).compactMap { state.deployments[$0]?.key.service }
    #expect(made == ["api", "web"])
    #expect(try await staged(bench) == [])
    let read = #"{ variables(projectId: "p", environmentId: "e", serviceId: "web") }"#
    #expect(try await bench.ask(read)["variables"] == ["API": "foreign"])
  }

  @Test func aCommittedPatchDeploysWhatItAffectsAndKnowsNoNames() async throws {
    let bench = try Bench()
    let commit =
      #"mutation($patch: EnvironmentConfig) { environmentPatchCommit(environmentId: "e", patch: $patch) }"#
    let first = try await deployImage(bench)
    let named: JSON = ["services": ["no-such-id": ["deploy": ["numReplicas": 2]]]]
    #expect(try await bench.refusal(commit, ["patch": named]) != nil)
    #expect(await bench.core.state.deployments.count == 1)
    _ = try await bench.ask(commit, ["patch": ["services": ["img": ["deploy": ["overlapSeconds": 7]]]]])
    let new = try #require(await bench.core.state.deploymentOrder.last)
    #expect(new != first)
    #expect(await bench.core.state.deployments[new]?.settings.overlapSeconds == 7)
    // A proxy is networking alone: applied at once, deploying nothing.
    let proxy: JSON = ["services": ["img": ["networking": ["tcpProxies": ["5432": [:]]]]]]
    _ = try await bench.ask(commit, ["patch": proxy])
    #expect(await bench.core.state.deployments.count == 2)
    let read = #"{ tcpProxies(environmentId: "e", serviceId: "img") { applicationPort syncStatus } }"#
    #expect(try await bench.ask(read)["tcpProxies"]?[0]?["syncStatus"] == "CREATING")
    bench.clock.advance(4)
    #expect(try await bench.ask(read)["tcpProxies"]?[0]?["syncStatus"] == "ACTIVE")
  }

  @Test func aBackupIsRestoredIntoANewVolumeTheSwapIsStagedAndNewerBackupsAreGone() async throws {
    let bench = try Bench()
    let id = try await bench.ask(
      "mutation($input: VolumeCreateInput!) { volumeCreate(input: $input) { id } }",
      ["input": ["projectId": "p", "environmentId": "e", "serviceId": "img", "mountPath": "/data"]])[
        "volumeCreate"]?["id"]?.string
    let volume = try #require(id)
    let instance = try #require(await bench.core.state.volumes[volume]?.instanceID)
    let create = "mutation($id: String!) { volumeInstanceBackupCreate(volumeInstanceId: $id) { workflowId } }"
    #expect(try await bench.refusal(create, ["id": .string(volume)]) == "Not Authorized")
    for _ in 0..<2 {
      _ = try await bench.ask(create, ["id": .string(instance)])
      bench.clock.advance(4)
    }
    let list = "query($id: String!) { volumeInstanceBackupList(volumeInstanceId: $id) { id } }"
    let backups =
      try await bench.ask(list, ["id": .string(instance)])["volumeInstanceBackupList"]?.array ?? []
    #expect(backups.count == 2)
    let oldest = try #require(backups.last?["id"]?.string)
    _ = try await bench.ask(
      """
      mutation($id: String!, $backup: String!) {
        volumeInstanceBackupRestore(volumeInstanceId: $id, volumeInstanceBackupId: $backup) { workflowId }
      }
      """, ["id": .string(instance), "backup": .string(oldest)])
    let left = try await bench.ask(list, ["id": .string(instance)])["volumeInstanceBackupList"]?.array ?? []
    #expect(left.compactMap { $0["id"]?.string } == [oldest])
    let key = InstanceKey(service: "img", environment: "e")
    #expect(await bench.core.state.instances[key]?.volume == volume)
    #expect(try await staged(bench) == ["img"])
    _ = try await bench.ask(#"mutation { environmentPatchCommitStaged(environmentId: "e") }"#)
    let swapped = try #require(await bench.core.state.instances[key]?.volume)
    #expect(swapped != volume)
    #expect(await bench.core.state.volumes[volume] != nil)
  }

  @Test func valuesAreMaskedInTheConfigurationUnlessDecrypted() async throws {
    let bench = try Bench()
    func value(_ arguments: String) async throws -> JSON? {
      try await bench.ask("{ environment(id: \"e\") { config\(arguments) } }")["environment"]?["config"]?[
        "services"]?["api"]?["variables"]?["GREETING"]?["value"]
    }
    #expect(try await value("") == .null)
    #expect(try await value("(decryptVariables: false)") == .null)
    #expect(try await value("(decryptVariables: true)") == "hello")
  }

  @Test func buildLogsAreAnErrorBeforeTheBuildAndOneRowTooManyAtTheLimit() async throws {
    let bench = try Bench()
    let id = try await bench.deploy("api")
    let read = "query($id: String!, $limit: Int) { buildLogs(deploymentId: $id, limit: $limit) { message } }"
    #expect(try await bench.refusal(read, ["id": .string(id)]) == "Failed to retrieve build log")
    try await bench.reach(id, "SUCCESS")
    await bench.core.change { world in
      let now = world.now
      world.deployments[id]?.buildLogs += (0..<9).map {
        Deployment.LogLine(time: now, severity: "info", message: "line \($0)")
      }
    }
    let lines = try await bench.ask(read, ["id": .string(id), "limit": 3])["buildLogs"]?.array ?? []
    #expect(lines.count == 4)
  }

  @Test func anAnswerOfLogsThatBreaksOffIsALostConnectionAndTheNextOneIsWhole() async throws {
    let bench = try Bench()
    let id = try await bench.deploy("api")
    try await bench.reach(id, "SUCCESS")
    await bench.core.change {
      $0.deployments[id]?.logs += [.init(time: $0.now, severity: "info", message: "line")]
    }
    let read = "query($id: String!) { deploymentLogs(deploymentId: $id) { message } }"
    await bench.core.add(try FaultScript(["operation": "deploymentLogs", "fault": "tear"]))
    await #expect(throws: HTTPError.self) { try await bench.ask(read, ["id": .string(id)]) }
    let lines = try await bench.ask(read, ["id": .string(id)])["deploymentLogs"]?.array ?? []
    #expect(lines.contains { $0["message"] == "line" })
  }

  @Test func referencesAreRenderedWhenADeploymentIsMade() async throws {
    let bench = try Bench()
    try await write(bench, ["REGION": "north"], to: nil)
    let raw = try await bench.ask(
      #"{ variables(projectId: "p", environmentId: "e", serviceId: "web", unrendered: true) }"#)
    #expect(raw["variables"] == ["API": "${{api.GREETING}} ${{ shared.REGION }}"])
    let rendered = try await bench.ask(
      #"{ variables(projectId: "p", environmentId: "e", serviceId: "web") }"#)
    #expect(rendered["variables"] == ["API": "hello north"])
    let id = try await bench.deploy("web")
    try await write(bench, ["GREETING": "changed"], to: "api")
    let snapshot = try await bench.ask(
      "query($id: String!) { deploymentSnapshot(deploymentId: $id) { variables } }", ["id": .string(id)])
    #expect(snapshot["deploymentSnapshot"]?["variables"]?["API"] == "hello north")
    #expect(snapshot["deploymentSnapshot"]?["variables"]?["RAILWAY_DEPLOYMENT_ID"]?.string == id)
  }

  @Test func sealedValuesAreLeftOutOrNullButReachTheProcess() async throws {
    let bench = try Bench()
    await bench.core.change { world in
      world.instances[InstanceKey(service: "web", environment: "e")]?.variables["API"]?.isSealed = true
    }
    let read = #"{ variables(projectId: "p", environmentId: "e", serviceId: "web") }"#
    #expect(try await bench.ask(read)["variables"] == [:])
    await bench.core.change { $0.switches.sealedReadAsNull = true }
    #expect(try await bench.ask(read)["variables"] == ["API": nil])
    let id = try await bench.deploy("web")
    #expect(await bench.core.state.deployments[id]?.variables["API"] == "hello ")
  }

  @Test func aRollbackAppearsLaterWithOldImageAndOldVariables() async throws {
    let bench = try Bench()
    try await write(bench, ["SHIPIT_COMMIT": "one"], to: "img")
    let first = try await deployImage(bench)
    try await write(bench, ["SHIPIT_COMMIT": "two"], to: "img")
    _ = try await bench.ask(
      #"mutation { serviceInstanceUpdate(serviceId: "img", environmentId: "e", input: {source: {image: "ghcr.io/acme/img:2"}}) }"#
    )
    _ = try await deployImage(bench)
    let rollback = "mutation($id: String!) { deploymentRollback(id: $id) }"
    #expect(try await bench.ask(rollback, ["id": .string(first)]) == ["deploymentRollback": true])
    #expect(await bench.core.state.deployments.count == 2)
    bench.clock.advance(3.1)
    let new = try #require(await bench.core.state.deploymentOrder.last)
    #expect(await bench.core.state.deployments.count == 3)
    try await bench.reach(new, "SUCCESS")
    let served = try await bench.get("img")
    #expect(try JSON(parsing: served.body)["version"] == "one")
    #expect(try await image(bench, new) == "ghcr.io/acme/img:1")
    let stored = try await bench.ask(#"{ variables(projectId: "p", environmentId: "e", serviceId: "img") }"#)
    #expect(stored["variables"] == ["SHIPIT_COMMIT": "two"])
    let codeOnly = try await bench.ask(
      "mutation($id: String!) { deploymentRedeploy(id: $id, usePreviousImageTag: true) { id } }",
      ["id": .string(first)])
    let redeployed = try #require(codeOnly["deploymentRedeploy"]?["id"]?.string)
    try await bench.reach(redeployed, "SUCCESS")
    let page = try await bench.get("img")
    #expect(try JSON(parsing: page.body)["version"] == "two")
    #expect(try await image(bench, redeployed) == "ghcr.io/acme/img:1")
  }

  @Test func anImageIsKeptForThePlansTimeAfterRemovalAndThenARollbackIsRefused() async throws {
    let bench = try Bench()
    let first = try await deployImage(bench)
    _ = try await deployImage(bench)
    try await bench.reach(first, "REMOVED")
    let read = "query($id: String!) { deployment(id: $id) { canRollback } }"
    let rollback = "mutation($id: String!) { deploymentRollback(id: $id) }"
    bench.clock.advance(119 * 3600)
    #expect(try await bench.ask(read, ["id": .string(first)])["deployment"]?["canRollback"] == true)
    bench.clock.advance(2 * 3600)
    #expect(try await bench.ask(read, ["id": .string(first)])["deployment"]?["canRollback"] == false)
    #expect(try await bench.refusal(rollback, ["id": .string(first)]) != nil)
    bench.clock.advance(60)
    #expect(await bench.core.state.deployments.count == 2)
  }

  @Test func aRollbackMayFailItselfOrNeverAppear() async throws {
    let bench = try Bench()
    let first = try await deployImage(bench)
    let second = try await deployImage(bench)
    await bench.core.add(
      try FaultScript(["deployment": "gate-never-passes", "service": "img", "trigger": "rollback"]))
    let rollback = "mutation($id: String!) { deploymentRollback(id: $id) }"
    _ = try await bench.ask(rollback, ["id": .string(first)])
    bench.clock.advance(3.1)
    let failed = try #require(await bench.core.state.deploymentOrder.last)
    try await bench.reach(failed, "FAILED", within: 400)
    #expect(try await bench.status(second) == "SUCCESS")
    await bench.core.add(try FaultScript(["deployment": "never-appears", "trigger": "rollback"]))
    #expect(try await bench.ask(rollback, ["id": .string(first)]) == ["deploymentRollback": true])
    bench.clock.advance(600)
    #expect(await bench.core.state.deploymentOrder.last == failed)
  }

  @Test func readsAreStaleAndNewDeploymentsHiddenWhenSwitchedOn() async throws {
    let bench = try Bench()
    await bench.core.change { world in
      world.switches.staleness = .seconds(1)
      world.switches.hidesNewDeployments = .seconds(2)
    }
    bench.clock.advance(2)
    let read = #"{ variables(projectId: "p", environmentId: "e", serviceId: "api") }"#
    _ = try await bench.ask(read)
    try await write(bench, ["GREETING": "new"], to: "api")
    #expect(try await bench.ask(read)["variables"]?["GREETING"] == "hello")
    bench.clock.advance(1.1)
    #expect(try await bench.ask(read)["variables"]?["GREETING"] == "new")
    let id = try await bench.deploy("api")
    bench.clock.advance(1.5)
    let look = "query($id: String!) { deployment(id: $id) { id } }"
    #expect(try await bench.refusal(look, ["id": .string(id)]) == "Deployment not found")
    bench.clock.advance(2)
    #expect(try await bench.refusal(look, ["id": .string(id)]) == nil)
  }

  @Test func aServiceWithoutItsInstanceYetCannotBeDeployed() async throws {
    let bench = try Bench()
    let created = try await bench.ask(
      #"mutation { serviceCreate(input: {projectId: "p", environmentId: "e", name: "new"}) { id name } }"#)
    let id = try #require(created["serviceCreate"]?["id"]?.string)
    #expect(try await bench.upload(to: id).status == 404)
    bench.clock.advance(4)
    #expect(try await bench.upload(to: id).status == 200)
    #expect(
      try await bench.refusal(#"mutation { serviceCreate(input: {projectId: "p", name: "new"}) { id } }"#)
        == #"A service named "new" already exists in this project"#)
  }

  @Test func aRestrictedEnvironmentSaysSoAndRefusesChanges() async throws {
    let bench = try Bench()
    await bench.core.change { $0.environments["e"]?.canAccess = false }
    #expect(
      try await bench.ask(#"{ environment(id: "e") { canAccess } }"#)["environment"]?["canAccess"] == false)
    #expect(try await bench.refusal(Self.deployImage) == "Not Authorized")
  }
}
