import Model
import YAML

extension Rules {
  /// Commands that do not exist, some of which end with 0 all the same.
  func checkCommands(_ reading: inout Reading) {
    for list in ["run", "checks"] {
      for entry in fields[list]?.list ?? [] {
        guard let command = entry.fields?["run"],
          let found = EncoreCommand(in: command.list.compactMap(\.text))
        else { continue }
        reading.error(
          .inventedCommand, found.sentence, at: command.mark, path: command.path, help: found.instead)
      }
    }
    for service in services {
      for entry in service.fields["variables"]?.map ?? [] where entry.key == "ENCORE_AUTH_TOKEN" {
        guard let found = EncoreCommand(in: [entry.key]) else { continue }
        reading.error(
          .inventedCommand, found.sentence, at: entry.mark, path: entry.value.path, help: found.instead)
      }
    }
  }
}
