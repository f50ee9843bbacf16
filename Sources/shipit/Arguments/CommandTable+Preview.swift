/// `shipit preview`.
let previewSpecification = CommandSpecification(
  name: "preview", summary: "put a branch beside an environment, at addresses of its own, and take it away",
  discussion:
    "Makes an environment on Railway out of ENV's, empty of data, and previews on Vercel; deploys the commit and proves it as a deploy does, and prints the addresses. It has ENV's settings and plain variables, what `preview:` of the file says, and none of ENV's secrets besides. The same command again updates it. --delete removes what bears its mark and nothing else. Nothing of ENV is written. With --plan it makes nothing: it shows what a deploy of the commit to ENV would change, against what the ledger recorded last; no platform is asked and no secret is needed.",
  positionals: [environmentArgument],
  options: [
    .init(name: "name", value: "NAME", help: "of the preview; default: pr-N, else from the branch"),
    .init(
      name: "pull-request", value: "N",
      help: "its number; in a job of GitHub Actions its comment is kept current"
    ),
    .init(name: "branch", value: "BRANCH", help: "the branch; default: the one that is checked out"),
    .init(name: "commit", value: "REV", help: "the revision to deploy; default HEAD"),
    .init(name: "delete", help: "take the preview away"),
    .init(name: "plan", help: "what the commit would change in ENV, by the ledger alone"),
    .init(name: "yes", help: "do not ask"),
  ],
  examples: [
    "shipit preview prod", "shipit preview prod --pull-request 12 --yes",
    "shipit preview prod --name demo --delete", "shipit preview prod --plan",
  ],
  run: PreviewCommand.run)
