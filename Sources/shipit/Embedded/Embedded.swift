// Written by scripts/embed: `make docs` writes it anew.

/// A file that the executable carries.
struct EmbeddedFile: Sendable, Hashable {
  /// A path below the repository's top, or a page's name.
  var name: String
  var text: String
}

/// What the installed executable has no source tree for.
enum Embedded {
  /// What `init --workflows` writes.
  static let workflows: [EmbeddedFile] = [
    EmbeddedFile(name: ".github/actions/shipit/action.yml", text: action + "\n"),
    EmbeddedFile(name: ".github/workflows/deploy.yml", text: workflowsDeploy + "\n"),
    EmbeddedFile(name: ".github/workflows/rollback.yml", text: workflowsRollback + "\n"),
    EmbeddedFile(name: ".github/workflows/backup.yml", text: workflowsBackup + "\n"),
    EmbeddedFile(name: ".github/workflows/rollout-tick.yml", text: workflowsRolloutTick + "\n"),
    EmbeddedFile(name: ".github/workflows/preview.yml", text: workflowsPreview + "\n"),
    EmbeddedFile(name: ".github/workflows/drift.yml", text: workflowsDrift + "\n"),
  ]

  /// The pages of `runbook`, in their order there.
  static let runbooks: [EmbeddedFile] = [
    EmbeddedFile(name: "deploy-failed", text: runbooksDeployFailed + "\n"),
    EmbeddedFile(name: "rollback-failed", text: runbooksRollbackFailed + "\n"),
    EmbeddedFile(name: "mixed-state", text: runbooksMixedState + "\n"),
    EmbeddedFile(name: "lease-held", text: runbooksLeaseHeld + "\n"),
    EmbeddedFile(name: "platform-down", text: runbooksPlatformDown + "\n"),
  ]
}
