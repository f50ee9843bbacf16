extension Joiner {
  /// Databases, caches and queues, with what speaks of them.
  mutating func joinStores() {
    for service in live {
      for (kind, evidence, certainty) in stores(of: service) {
        note(kind, by: service.key, evidence, certainty)
      }
    }
    for infrastructure in facts.infrastructures {
      let service = draft.services.first { $0.configs.contains(infrastructure.file) }
      for database in infrastructure.databases {
        note("postgres", by: service?.key, database.evidence, .sure)
      }
      for cache in infrastructure.caches { note("redis", by: service?.key, cache.evidence, .sure) }
    }
    for service in facts.compose {
      guard let kind = service.store else { continue }
      let evidence = Evidence(service.file, service.line)
      if let index = draft.stores.firstIndex(where: { $0.kind == kind }) {
        if !draft.stores[index].evidence.contains(evidence) { draft.stores[index].evidence.append(evidence) }
      } else {
        let servers = live.filter { !$0.isFrontend }
        note(kind, by: servers.count == 1 ? servers[0].key : nil, evidence, .guess)
      }
    }
    dropSupabase()
  }

  private var live: [DraftService] {
    draft.services.filter { if case .off = $0.standing { false } else { true } }
  }

  private mutating func note(_ kind: String, by user: String?, _ evidence: Evidence, _ certainty: Certainty) {
    if let index = draft.stores.firstIndex(where: { $0.kind == kind }) {
      if let user { draft.stores[index].users.insert(user) }
      draft.stores[index].certainty = max(draft.stores[index].certainty, certainty)
      if draft.stores[index].evidence.count < 4, !draft.stores[index].evidence.contains(evidence) {
        draft.stores[index].evidence.append(evidence)
      }
    } else {
      draft.stores.append(
        DraftStore(kind: kind, users: user.map { [$0] } ?? [], evidence: [evidence], certainty: certainty))
    }
  }

  /// By names it is given, by its packages, by the schema it carries.
  private func stores(of service: DraftService) -> [(String, Evidence, Certainty)] {
    var found: [(String, Evidence, Certainty)] = []
    for variable in service.variables {
      guard let kind = VariableName.store(variable.name) else { continue }
      let isShared = variable.note == "several services could read it"
      let isCompose = facts.compose.contains { $0.file == variable.evidence.file }
      let certainty: Certainty = isCompose ? .guess : isShared ? .likely : .sure
      if kind == "database" {
        found.append((engine(of: service) ?? "postgres", variable.evidence, certainty))
      } else {
        found.append((kind, variable.evidence, certainty))
      }
    }
    do {
      for package in facts.packages(of: service) {
        if let place = package.depends(on: "mongoose", "mongodb", "pymongo", "motor") {
          found.append(("mongodb", place, .likely))
        }
        if let place = package.depends(on: "ioredis", "redis", "bullmq", "bull", "@upstash/redis", "celery") {
          found.append(("redis", place, .guess))
        }
        if let place = package.depends(
          on: "pg", "postgres", "asyncpg", "psycopg", "psycopg2", "psycopg2-binary", "sqlalchemy",
          "sqlx/postgres",
          "github.com/jackc/pgx/v5", "github.com/lib/pq", "drizzle-orm")
        {
          found.append(("postgres", place, .likely))
        }
        if let place = package.depends(on: "mysql2", "pymysql", "mysqlclient") {
          found.append(("mysql", place, .likely))
        }
        if let place = package.depends(on: "@supabase/supabase-js", "supabase") {
          found.append(("supabase", place, .likely))
        }
        if let place = package.depends(on: "@prisma/client", "prisma"), let engine = engine(of: service) {
          found.append((engine, place, .likely))
        }
      }
    }
    if service.variables.contains(where: {
      $0.name == "SUPABASE_URL" && $0.value != .unknown || $0.name == "SUPABASE_URL"
    }),
      let variable = service.variables.first(where: { $0.name == "SUPABASE_URL" })
    {
      found.append(("supabase", variable.evidence, .sure))
    }
    for schema in facts.schemas where Path.isInside(schema.folder, service.home) && !service.isFrontend {
      if let engine = schema.engine, let kind = Joiner.kind(engine.value) {
        found.append((kind, engine.evidence, .sure))
      }
    }
    return found
  }

  /// The engine that the repository's schemas name.
  private func engine(of service: DraftService) -> String? {
    let near = facts.schemas.filter { Path.isInside($0.folder, service.home) }
    return
      ((near.isEmpty ? facts.schemas : near).lazy.compactMap { $0.engine.flatMap { Joiner.kind($0.value) } })
      .first
  }

  static func kind(_ engine: String) -> String? {
    switch engine {
    case "postgresql", "postgres", "pg", "cockroachdb": "postgres"
    case "mysql", "mariadb": "mysql"
    case "mongodb": "mongodb"
    default: nil
    }
  }

  /// Supabase is PostgreSQL with more around it: where a database is known by its address, it is that one.
  private mutating func dropSupabase() {
    guard let index = draft.stores.firstIndex(where: { $0.kind == "supabase" }) else { return }
    guard draft.stores.contains(where: { $0.kind == "postgres" }) else { return }
    let place = draft.stores.remove(at: index)
    draft.remarks.append(
      Sourced("Supabase is used besides the database's own address", place.evidence[0], .likely))
  }
}
