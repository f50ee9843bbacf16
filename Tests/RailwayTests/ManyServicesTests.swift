import Concurrency
import JSON
import Model
import Railway
import TestSupport
import Testing
import Twin

/// An environment of many services is read from its configuration; it must read the same as services asked one by one.
@Suite struct ManyServicesTests {
  private static let count = 47

  private static func seed() -> JSON {
    let services = (0..<count).map { index -> JSON in
      var service: [String: JSON] = [
        "id": .string("s\(index)"), "name": .string("service-\(index)"),
        "variables": [
          "PLAIN": .string("value \(index)"), "REFERENCE": "${{service-0.PLAIN}}", "EMPTY": "",
          "SEALED": ["value": "never shown", "sealed": true],
        ],
        "settings": [
          "startCommand": .string("./run \(index)"), "healthcheckPath": index % 2 == 0 ? "/health" : .null,
          "cronSchedule": index % 5 == 0 ? "0 3 * * *" : .null, "numReplicas": .int(Int64(index % 3 + 1)),
          "preDeployCommand": ["./migrate"], "overlapSeconds": 20,
        ],
      ]
      if index % 4 == 1 { service["source"] = ["image": .string("acme/img:\(index)")] }
      if index % 4 == 2 {
        service["source"] = ["repo": "acme/repo"]
        service["autoDeploy"] = .bool(index % 8 == 2)
      }
      return .object(service)
    }
    return [
      "workspaces": [["name": "acme", "plan": "pro"]],
      "projects": [
        [
          "id": "p", "name": "shop", "workspace": "acme",
          "environments": [["id": "e", "name": "production"]], "services": .array(services),
        ]
      ],
      "sources": [
        "repositories": [
          "acme/repo": [["commit": "1111111111111111111111111111111111111111", "directory": "/r"]]
        ]
      ],
      "tokens": [["token": "account", "kind": "account"]],
    ]
  }

  private static func file(_ indices: Range<Int>) -> Environment {
    Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_TOKEN")),
      services: indices.map {
        Service(
          key: ServiceName(rawValue: "a\($0)"), name: "service-\($0)", source: .image(Template(text: "x")))
      })
  }

  @Test("read the same as a few", arguments: [false, true])
  func same(sealedAsNull: Bool) async throws {
    let clock = ManualClock()
    let runtime = ScriptedRuntime()
    let core = try TwinCore(clock: clock, runtime: runtime, seed: Self.seed(), speed: 10)
    await core.change { world in
      world.switches.sealedReadAsNull = sealedAsNull
      for index in 0..<Self.count where index % 3 == 0 {
        world.instances[InstanceKey(service: "s\(index)", environment: "e")]?.limits = [
          "containers": ["cpu": 2, "memoryBytes": 1_000_000_000]
        ]
      }
    }
    let platform = RailwayPlatform(
      baseURL: InProcessTransport.base, http: InProcessTransport(core: core, services: runtime), clock: clock,
      token: Sensitive("account"), secrets: SecretValues(),
      packer: TwinConformanceTests.Bench.Packer(file: "/nowhere"), version: "test", random: { 0.5 })
    let all = try await platform.observe(Self.file(0..<Self.count))
    #expect(all.services.count == Self.count)
    #expect(all.services["a0"]?.settings.memory == 1_000_000_000)
    #expect(all.services["a2"]?.autoDeploys == true && all.services["a6"]?.autoDeploys == false)
    let sealed = try #require(all.services["a1"]).variables["SEALED"]
    #expect(sealed == .some(nil))
    for start in stride(from: 0, to: Self.count, by: 10) {
      let few = try await platform.observe(Self.file(start..<min(start + 10, Self.count)))
      for (name, service) in few.services {
        #expect(all.services[name] == service, "\(name)")
      }
    }
  }
}
