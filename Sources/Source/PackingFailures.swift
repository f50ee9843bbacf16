import Archive
import Model

extension Failure {
  /// Whatever stopped packing, as a failure.
  static func packing(_ error: any Error) -> Failure {
    if let failure = error as? Failure { return failure }
    if error is CancellationError { return Failure(.cancelled, "packing was stopped") }
    return archive(error)
  }

  static func archive(_ error: any Error) -> Failure {
    if let failure = error as? Failure { return failure }
    guard let error = error as? ArchiveError else {
      return Failure(.internalError, "the source could not be packed", cause: "\(error)")
    }
    return Failure(
      .failed, "the source could not be packed", place: error.path, cause: error.message,
      hint: error.code == .cannotWrite ? "free space in the directory of temporary files (TMPDIR)" : nil)
  }

  /// Files that must not leave this machine or cannot be deployed, with the way out for each kind.
  static func refused(_ files: [RefusedFile]) -> Failure {
    var causes: [String] = []
    var hints: [String] = []
    func tell(_ reason: RefusedFile.Reason, _ what: String, _ hint: String) {
      let paths = files.filter { $0.reason == reason }.map(\.path)
      guard !paths.isEmpty else { return }
      let rest = paths.count > 10 ? " and \(paths.count - 10) more" : ""
      causes.append("\(what): \(paths.prefix(10).joined(separator: ", "))\(rest)")
      hints.append(hint)
    }
    tell(
      .environmentFile, "files of variables, which usually hold secrets",
      "put the variables under `variables:` and leave the file out with `git rm --cached FILE` or a line "
        + "in .railwayignore (examples may end in .example, .sample or .template)")
    tell(
      .privateKey, "private keys",
      "leave them out with `git rm --cached FILE` or a line in .railwayignore; a key that was ever pushed "
        + "should be replaced")
    tell(
      .submodule, "submodules, whose files the commit does not hold",
      "deploy from a repository that holds the files, or leave them out with a line in .railwayignore")
    tell(
      .largeFilePointer, "pointers of Git LFS instead of the files themselves",
      "fetch them with `git lfs pull` and give them as built files under `include:` with a line in "
        + ".railwayignore, or keep them outside of git")
    tell(
      .outwardLink, "links that lead out of the packed directory",
      "copy what they point to, or pack a directory that holds both")
    return Failure(
      .configuration,
      files.count == 1 ? "1 file cannot be packed" : "\(files.count) files cannot be packed",
      cause: causes.joined(separator: "; "), hint: hints.joined(separator: "; "))
  }
}
