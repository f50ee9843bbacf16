package import Concurrency
import GraphQL
package import JSON

/// Databases out of templates (contract §5.5): a workflow, and no id of what it makes.
extension World {
  package struct Workflow: Sendable {
    package var id: String
    package var environment: String
    /// Not found before.
    package var visibleFrom: Timestamp
    package var readyAt: Timestamp
  }

  /// The templates that the twin has, by their code.
  package static let templates: [String: JSON] = [
    "postgres": database(
      "Postgres", "ghcr.io/railwayapp-templates/postgres-ssl:17", port: 5432,
      mount: "/var/lib/postgresql/data",
      [
        "PGUSER": "postgres", "PGDATABASE": "railway", "PGPASSWORD": "${{ secret(32) }}",
        "PGHOST": "${{RAILWAY_PRIVATE_DOMAIN}}", "PGPORT": "5432",
        "DATABASE_URL": "postgresql://${{PGUSER}}:${{PGPASSWORD}}@${{PGHOST}}:5432/${{PGDATABASE}}",
      ]),
    "redis": database(
      "Redis", "redis:8.2.1", port: 6379, mount: "/data",
      [
        "REDISUSER": "default", "REDISPASSWORD": "${{ secret(32) }}",
        "REDISHOST": "${{RAILWAY_PRIVATE_DOMAIN}}",
        "REDIS_URL": "redis://${{REDISUSER}}:${{REDISPASSWORD}}@${{REDISHOST}}:6379",
      ]),
    "mysql": database(
      "MySQL", "mysql:9.4", port: 3306, mount: "/var/lib/mysql",
      [
        "MYSQLUSER": "root", "MYSQLPASSWORD": "${{ secret(32) }}", "MYSQLHOST": "${{RAILWAY_PRIVATE_DOMAIN}}",
        "MYSQL_URL": "mysql://${{MYSQLUSER}}:${{MYSQLPASSWORD}}@${{MYSQLHOST}}:3306/railway",
      ]),
    "mongo": database(
      "MongoDB", "mongo:8.0", port: 27017, mount: "/data/db",
      [
        "MONGOUSER": "mongo", "MONGOPASSWORD": "${{ secret(32) }}",
        "MONGOHOST": "${{RAILWAY_PRIVATE_DOMAIN}}",
        "MONGO_URL": "mongodb://${{MONGOUSER}}:${{MONGOPASSWORD}}@${{MONGOHOST}}:27017",
      ]),
  ]

  private static func database(
    _ name: String, _ image: String, port: Int, mount: String, _ variables: [String: String]
  ) -> JSON {
    [
      "services": [
        "service-\(name.lowercased())": [
          "name": .string(name), "source": ["image": .string(image)],
          "variables": .object(variables.mapValues { ["defaultValue": .string($0)] }),
          "networking": ["tcpProxies": .object([String(port): [:]])],
          "volumeMounts": ["volume-\(name.lowercased())": ["mountPath": .string(mount)]],
        ]
      ]
    ]
  }

  /// Images that a template runs are there, and nothing of them is run here.
  static func isTemplateImage(_ reference: String) -> Bool {
    templates.values.contains { template in
      (template["services"]?.object ?? [:]).values.contains { $0["source"]?["image"]?.string == reference }
    }
  }

  func template(_ code: String) throws(Refusal) -> GraphQLNode {
    guard let config = World.templates[code], let service = config["services"]?.object?.values.first else {
      throw Refusal("Template not found")
    }
    return .object([
      "id": .text("template-\(code)"), "code": .text(code), "name": .text(service["name"]?.string),
      "serializedConfig": .json(config),
    ])
  }

  /// Begins a workflow. A name that is taken gets an ending, as on the platform: it makes a second database.
  /// - Returns: the workflow's id.
  package mutating func deployTemplate(_ input: JSON, for token: Token) throws(Refusal) -> String {
    let project = try project(input["projectId"]?.string ?? "", for: token)
    let place = try environment(input["environmentId"]?.string ?? "", for: token)
    guard place.canAccess, place.project == project.id else { throw World.notAuthorized }
    guard World.templates["\((input["templateId"]?.string ?? "").dropFirst("template-".count))"] != nil else {
      throw Refusal("Template not found")
    }
    for service in (input["serializedConfig"]?["services"]?.object ?? [:]).values {
      let wanted = service["name"]?.string ?? "database"
      let isTaken = services.values.contains {
        $0.project == project.id && $0.name == wanted && $0.deletedAt == nil
      }
      let id = addService(named: isTaken ? "\(wanted)-\(mint().prefix(4))" : wanted, to: project.id)
      let key = InstanceKey(service: id, environment: place.id)
      addInstance(key, visibleFrom: now + durations.template)
      for (name, variable) in (service["variables"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        var text = variable["value"]?.string ?? variable["defaultValue"]?.string ?? ""
        if text.contains("secret(") { text = (mint() + mint()).filter { $0 != "-" } }
        let stored = StoredVariable(id: mint(), value: text, createdAt: now, updatedAt: now)
        instances[key]?.variables[name] = stored
      }
      setSource(service["source"]?.object ?? [:], of: key)
      for mount in (service["volumeMounts"]?.object ?? [:]).values {
        _ = addVolume(to: key, mountPath: mount["mountPath"]?.string ?? "/data", in: project.id)
      }
      for port in (service["networking"]?["tcpProxies"]?.object ?? [:]).keys.compactMap({ Int($0) }) {
        addProxy(to: port, of: key)
      }
      if let request = try? currentRequest(for: key, trigger: .deploy) {
        promised.append(PromisedDeployment(due: now + durations.template, request: request))
      }
    }
    let id = mint()
    workflows[id] = Workflow(
      id: id, environment: place.id, visibleFrom: now + durations.template / 4,
      readyAt: now + durations.template)
    return id
  }
}
