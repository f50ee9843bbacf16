import FoundationEssentials
import JSON
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension SOPSSource {
  /// Sets the values in a copy beside the file, by standard input, and puts it in the file's place when all are in
  /// it and can be read back.
  func write(_ values: [String: Sensitive]) async throws(Failure) {
    let before = try content()
    let copy = copyPath
    try make(copy, before)
    defer { unlink(copy) }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      let key = settings.names[name] ?? name
      let parts = settings.names[name] == nil ? [key] : key.split(separator: ".").map(String.init)
      let place = parts.map { "[\(JSON.string($0).serialized())]" }.joined()
      let ended = try await sops(
        ["set", "--value-stdin", copy, place], input: Array(JSON.string(value.reveal()).serialized().utf8))
      guard ended.code == 0 else { throw failure(ended) }
    }
    let ended = try await sops(["decrypt", "--output-type", "json", copy])
    guard ended.code == 0 else { throw failure(ended) }
    let kept = try SecretObject(
      parsing: ended.output, of: description, names: settings.names, isNested: true
    ).readings(Set(values.keys))
    guard values.allSatisfy({ kept[$0.key]?.value == $0.value }) else {
      throw Failure(
        .failed, "\(settings.path) was not written: SOPS does not give back what it was given",
        place: settings.path, hint: "keep secrets in a YAML or JSON file")
    }
    guard try content() == before else {
      throw Failure(
        .stale, "\(settings.path) was not written: somebody else changed it meanwhile", place: settings.path)
    }
    guard rename(copy, file) == 0 else {
      throw Failure(
        .failed, "\(settings.path) cannot be written", place: settings.path,
        cause: String(cString: strerror(errno)))
    }
  }

  /// In the same directory, so that it can take the file's place at once; SOPS goes by the extension.
  private var copyPath: String {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + [".shipit-\(getpid())-\(parts.last ?? "")"]).joined(separator: "/")
  }

  private func make(_ copy: String, _ text: String) throws(Failure) {
    var status = stat()
    let mode = stat(file, &status) == 0 ? status.st_mode & 0o777 : 0o600
    guard PrivateFile.create(copy, Array(text.utf8), mode: mode) else {
      throw Failure(
        .failed, "\(settings.path) cannot be written", place: settings.path,
        cause: String(cString: strerror(errno)))
    }
  }
}
