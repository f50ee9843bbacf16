package import Model

/// What stands for `${release}`, `${environment}`, `${commit}` and `${variant}` in a query.
package struct QueryReferences: Sendable, Hashable {
  package var values: [String: String]

  package init(release: Int, environment: String, commit: String) {
    values = ["release": String(release), "environment": environment, "commit": commit]
  }

  /// - Parameter variant: the label's value of those whom the query is about; nil: it does not say.
  package func about(_ variant: String?) -> Self {
    var about = self
    about.values["variant"] = variant
    return about
  }

  /// The query with every reference replaced, within quotes as PromQL wants it; `$${` is a plain `${`.
  /// - Throws: `Failure` of kind `.configuration` for a reference to something else.
  package func filled(_ query: String) throws(Failure) -> String {
    var result = ""
    var rest = query[...]
    while let start = rest.firstRange(of: "${") {
      let before = rest[..<start.lowerBound]
      rest = rest[start.upperBound...]
      if before.last == "$" {
        result += before.dropLast() + "${"
        continue
      }
      guard let end = rest.firstIndex(of: "}") else {
        throw Failure(
          .configuration, "a reference in a query does not end", place: "query \(query.prefix(300))",
          hint: "write `$${` for a plain `${`")
      }
      let name = String(rest[..<end])
      guard let value = values[name] else {
        throw Failure(
          .configuration, "`${\(name)}` is nothing that a query can refer to",
          place: "query \(query.prefix(300))",
          hint: "there are ${release}, ${environment}, ${commit}, and ${variant} with `variant`")
      }
      result += before + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}
