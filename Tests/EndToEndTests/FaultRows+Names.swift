import JSON
import Model
import Testing
import Twin

/// What is wrong before anything is tried: tokens, names, rights, values.
extension FaultRow {
  static let tokens: [FaultRow] = {
    let group = "token"
    return [
      deploy(
        group, "a project token of another environment", [], .authentication, nil,
        says: ["project token", "staging", "production"], most: 0
      ).given { $0.token = "staging-token" },
      deploy(group, "a project token of this very environment", [], .done, .released, .after).given {
        $0.token = "pr0ject-token"
      },
      deploy(
        group, "an unknown token", [], .authentication, nil, says: ["RAILWAY_API_TOKEN"], most: 0
      ).given { $0.token = "kn0wn-to-nobody" },
      deploy(
        group, "the token is revoked in the middle", [], .failedMixed, .inFlight, Live(api: "B", web: "A"),
        says: ["could not be read"]
      ).given {
        $0.later = (
          .seconds(5),
          { core in await core.change { world in world.tokens[FaultWorld.token]?.isRevoked = true } }
        )
      }.then(.done, .after),
      deploy(
        group, "the environment is restricted", [], .authentication, nil, says: ["restricted"], most: 0
      ).given {
        $0.prepare = { world in
          for id in world.environments.keys { world.environments[id]?.canAccess = false }
        }
      },
    ]
  }()

  static let names: [FaultRow] = {
    let group = "names"
    return [
      deploy(
        group, "two projects have the name", [], .usage, nil, says: ["2 Railway projects", "id"], most: 0
      ).given {
        $0.prepare = { world in
          guard var twin = world.projects.values.first else { return }
          twin.id = "11111111-2222-4333-a444-555555555555"
          world.projects[twin.id] = twin
        }
      },
      deploy(
        group, "two services have the name", [], .usage, nil, says: ["2 Railway services", "id"], most: 0
      ).given {
        $0.prepare = { world in
          guard let api = world.services.values.first(where: { $0.name == "api" }),
            let instance = world.instances.first(where: { $0.key.service == api.id })
          else { return }
          var other = api
          other.id = "11111111-2222-4333-a444-666666666666"
          other.name = "API"
          world.services[other.id] = other
          for key in world.instances.keys where key.service == api.id {
            var copy = instance.value
            copy.key = InstanceKey(service: other.id, environment: key.environment)
            copy.address = nil
            world.instances[copy.key] = copy
          }
        }
      },
      deploy(
        group, "no such service", [], .usage, nil, says: ["no Railway service “apy”", "did you mean “api”"],
        most: 0
      ).given { $0.environment = { $0.services[0].name = "apy" } },
      deploy(
        group, "no such project", [], .usage, nil, says: ["no Railway project “shopp”"], most: 0
      ).given { $0.environment = { $0.platforms.railway?.project = "shopp" } },
      deploy(
        group, "no such environment", [], .usage, nil, says: ["no Railway environment “prod”"], most: 0
      ).given { $0.environment = { $0.platforms.railway?.environment = "prod" } },
    ]
  }()

  static let values: [FaultRow] = {
    let group = "values"
    return [
      deploy(
        group, "a secret's value contains ${{", [], .usage, .unchanged, says: ["${{", "SIGNING_KEY"], most: 0
      ).given { $0.secret = "half a ${{ reference" },
      deploy(
        group, "nothing has changed", [], .done, nil, variables: .asBefore, most: 0,
        also: { outcome in
          let reads = [
            "Project", "ApiToken", "Environment", "Services", "Variable", "Platform", "Deployment",
          ]
          let writes = outcome.requests.map(\.operation).filter { name in
            !reads.contains { name.hasPrefix("Shipit\($0)") }
              || ["ShipitVariablesUpsert", "ShipitVariableDelete"].contains(name)
          }
          #expect(writes.isEmpty)
        }
      ).given { $0.changesNothing = true },
      deploy(
        group, "all is well", [], .done, .released, .after,
        also: {
          #expect($0.after["api.NEW"] == "new" && $0.after["api.OLD"] == nil)
          #expect($0.after["api.KEPT"] == "by hand" && $0.deployments == ["api upload", "web deploy"])
        }),
      deploy(
        group, "Railway announces an incident", [], .done, .released, .after,
        also: { #expect($0.warnings.contains { $0.contains("slow builds") }) }
      ).given { $0.prepare = { $0.platform.incident = "slow builds" } },
      deploy(
        group, "Railway accepts and starts nothing (incident)", [], .deadline, .unchanged,
        says: ["deadline"]
      ).given {
        $0.prepare = { $0.platform.isStable = false }
        $0.environment = { $0.protect.deadline = .seconds(600) }
      },
    ]
  }()

  /// The whole table, in the order of the page.
  static let all: [FaultRow] =
    connections + limits + gateway + words + lostAnswers + beforeTheSwitch + afterTheSwitch + rollbacks
    + explicit + repositories + volumes + tokens + names + values
}
