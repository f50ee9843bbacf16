extension EnvironmentText {
  private static let tools: Set<String> = ["alembic", "prisma", "supabase", "django", "dbmate", "sqitch"]

  mutating func databases() {
    let usable = schema(of: draft.written)
    let later = usable == nil ? schema(of: draft.written + draft.open) : nil
    guard !draft.schemas.isEmpty || !draft.stores.isEmpty else { return }
    lines.append("")
    if let usable { write(usable) }
    if let later { undecided(0) { $0.write(later) } }
    for schema in draft.schemas where schema != usable && schema != later {
      let place = schema.places.first.map { ", run by `\(short($0.command))` (\($0.evidence))" } ?? ""
      say(0, "? migrations of \(schema.tool): \(schema.config)\(place)")
    }
    for store in draft.stores where store.kind != "postgres" || (usable ?? later) == nil {
      let users = store.users.sorted().joined(separator: ", ")
      let places = store.evidence.prefix(2).map(\.description).joined(separator: ", ")
      say(
        0,
        "\(store.kind)\(store.name.map { " `\($0)`" } ?? "")\(users.isEmpty ? "" : " of \(users)")\(store.certainty == .sure ? "" : ", if it is used at all"): \(places)"
      )
    }
  }

  /// The schema whose migrations one of these services has, and shipit can carry.
  private func schema(of services: [DraftService]) -> DraftSchema? {
    draft.schemas.first { schema in
      Self.tools.contains(schema.tool) && schema.position != nil && schema.address != nil
        && (schema.engine == nil || schema.engine == "postgres") && schema.certainty == .sure
        && draft.stores.contains { $0.kind == "postgres" }
        && !services.isEmpty && (schema.service == nil || services.contains { $0.key == schema.service })
    }
  }

  private mutating func write(_ schema: DraftSchema) {
    guard let address = schema.address else { return }
    put(0, "databases:")
    put(2, "main:")
    put(4, "engine", "postgres", evidence(of: "postgres"))
    put(
      4, "url", "{secret: \(address.value)}",
      "? an address that this machine reaches, without a pooler; \(address.evidence)")
    put(4, "migrations:")
    put(6, "tool", schema.tool, schema.config)
    put(6, "directory", YAMLText.scalar(Path.written(schema.folder)), nil)
    let place = schema.places.first
    put(
      6, "where", schema.position ?? "here",
      place.map { "`\(short($0.command))` \($0.evidence)" } ?? "as it was said")
  }

  private func short(_ command: String) -> String {
    let text = EnvironmentText.oneLine(command)
    return text.count > 60 ? String(text.prefix(57)) + "…" : text
  }

  private func evidence(of kind: String) -> String? {
    draft.stores.first { $0.kind == kind }?.evidence.prefix(2).map(\.description).joined(separator: ", ")
  }
}
