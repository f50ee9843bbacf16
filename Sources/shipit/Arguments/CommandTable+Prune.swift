/// `shipit prune`.
let pruneSpecification = CommandSpecification(
  name: "prune", summary: "show what stands beside what the file names, and remove one kind of it",
  discussion:
    "Without KIND nothing is removed. Never a volume, a database, an environment or a project; a service with a volume, or with a database's image, stays. The environment's name has to be typed.",
  positionals: [
    environmentArgument,
    .init(
      name: "KIND", help: "services, domains or tcp-proxies", isOptional: true,
      completes: .words(["services", "domains", "tcp-proxies"])),
  ],
  options: [.init(name: "yes", help: "do not ask")],
  examples: ["shipit prune prod", "shipit prune prod services"],
  run: PruneCommand.run)
