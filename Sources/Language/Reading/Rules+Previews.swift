import Model
import YAML

extension Rules {
  /// `preview` names services of this file, and its variables are ones that their platforms take.
  func checkPreview(_ reading: inout Reading) {
    guard let preview = fields["preview"]?.fields else { return }
    for named in preview["services"]?.list ?? [] {
      if let name = named.text { checkPreviewed(name, at: named.mark, path: named.path, &reading) }
    }
    for entry in preview["variables"]?.map ?? [] {
      checkPreviewed(entry.key, at: entry.mark, path: entry.value.path, &reading)
      let platform = services.first { $0.key == entry.key }?.fields["platform"]?.text
      for variable in entry.value.map {
        checkVariable(variable.key, at: variable.mark, variable.value, platform, &reading)
      }
    }
  }

  private func checkPreviewed(_ name: String, at mark: Mark, path: String, _ reading: inout Reading) {
    guard let service = services.first(where: { $0.key == name }) else {
      let near = Suggestion.nearest(to: name, among: services.map(\.key))
      reading.error(
        .unknownService, "there is no service `\(name)`", at: mark, path: path,
        help: near.map { "did you mean `\($0)`?" } ?? "declare it under `services` first")
      return
    }
    guard service.fields["platform"]?.text == PlatformName.encore.rawValue else { return }
    reading.error(
      .wrongPlatform, "`\(name)` is on Encore, which makes previews by itself, for each pull request",
      at: mark, path: path, help: "remove it here; link the repository in Encore's dashboard")
  }
}

extension PreviewSettings {
  init(fields: Fields) {
    self.init(
      services: fields["services"]?.list.compactMap { $0.text.map { ServiceName(rawValue: $0) } } ?? [])
    for service in fields["variables"]?.map ?? [] {
      variables[service.key] = EnvironmentDecoder.variables(service.value.map)
    }
  }
}
