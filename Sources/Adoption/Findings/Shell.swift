/// What a command line does, as far as adoption cares.
enum Shell {
  /// Where a command puts something live; nil when it does not.
  static func host(_ command: String) -> Host? {
    let text = command.hasPrefix("echo ") || command.hasPrefix("printf ") ? "" : command
    // Patterns are dear, and most commands have nothing of the kind in them.
    guard
      text.containsAny(
        "railway", "vercel", "encore", "fly", "kubectl", "helm", "wrangler", "netlify", "aws", "heroku",
        "render.com", "ssh ", "scp ", "rsync ")
    else { return nil }
    if text.contains(
      #/(^|[\s;&|(])(npx\s+(-\S+\s+)*)?(@railway\/cli(@\S+)?|railway)\s+(up|redeploy|deploy)\b/#)
    {
      return .railway
    }
    if text.contains(#/(^|[\s;&|(])vercel(@\S+)?\s+(deploy|promote|alias|redeploy|(\S+\s+)*--prod)\b/#),
      !text.contains(#/vercel(@\S+)?\s+(build|pull)\b/#)
    {
      return .vercel
    }
    if text.contains(#/(^|[\s;&|(])encore\s+(alpha\s+deploy|app\s+deploy|deploy)\b/#)
      || text.contains("git push encore")
    {
      return .encore
    }
    if text.contains(#/(^|[\s;&|(])fly(ctl)?\s+deploy\b/#) { return .fly }
    if text.contains(#/\bkubectl\s+(-\S+\s+\S+\s+)*(apply|set\s+image|rollout\s+restart)\b/#)
      || text.contains(#/\bhelm\s+(upgrade|install)\b/#)
    {
      return .kubernetes
    }
    if text.contains(#/\bwrangler\s+(deploy|publish|pages\s+deploy)\b/#) { return .cloudflare }
    if text.contains(#/\bnetlify\s+deploy\b/#) { return .netlify }
    if text.contains(
      #/\baws\s+(ecs\s+update-service|s3\s+sync|lambda\s+update-function-code|elasticbeanstalk)\b/#)
    {
      return .aws
    }
    if text.contains("git push heroku") { return .heroku }
    if text.contains("api.render.com/deploy") { return .render }
    if text.contains(#/^(ssh|scp|rsync)\s/#) { return .selfHosted }
    return nil
  }

  /// Where an action puts something live.
  static func host(action: String) -> Host? {
    let name = action.prefix { $0 != "@" }.lowercased()
    if name.contains("setup") || name.contains("install") { return nil }
    if name.contains("railway") { return .railway }
    if name.contains("vercel") { return .vercel }
    if name.containsAny("ssh-action", "scp-action", "ssh-deploy") { return .selfHosted }
    if name.containsAny("gh-pages", "deploy-pages", "github-pages-deploy") { return .pages }
    if name.containsAny("wrangler-action", "pages-action") { return .cloudflare }
    if name.containsAny("actions-netlify", "netlify-deploy") { return .netlify }
    if name.containsAny("ecs-deploy", "aws-eb-deploy") { return .aws }
    if name.containsAny("heroku-deploy") { return .heroku }
    if name.containsAny("render-deploy") { return .render }
    if name.containsAny("k8s-deploy", "azure/aks") { return .kubernetes }
    return nil
  }

  /// The tool by which a command changes a schema; nil when it does not.
  static func migration(_ command: String) -> String? {
    let text = command
    guard
      text.containsAny(
        "migrat", "alembic", "flask", "prisma", "drizzle", "supabase", "dbmate", "goose", "sqitch")
    else { return nil }
    if text.contains(#/\balembic\s+(-\S+\s+\S+\s+)*upgrade\b/#) { return "alembic" }
    if text.contains(#/\bflask\s+db\s+upgrade\b/#) { return "alembic" }
    if text.contains(#/\bprisma\s+migrate\s+(deploy|dev)\b/#) { return "prisma" }
    if text.contains(#/\bprisma\s+db\s+push\b/#) { return "prisma" }
    if text.contains(#/\bdrizzle-kit\s+(migrate|push)\b/#) { return "drizzle-kit" }
    if text.contains(#/\bmanage\.py\s+migrate\b/#) { return "django" }
    if text.contains(#/\b(rails|rake)\s+db:migrate\b/#) { return "rails" }
    if text.contains(#/\bsqlx\s+migrate\s+run\b/#) { return "sqlx" }
    if text.contains(#/\bsupabase\s+db\s+push\b/#) { return "supabase" }
    if text.contains(#/\bknex\s+(\S+\s+)*migrate:latest\b/#) { return "knex" }
    if text.contains(#/\b(sequelize|sequelize-cli)\s+db:migrate\b/#) { return "sequelize" }
    if text.contains(#/\btypeorm\S*\s+(\S+\s+)*migration:run\b/#) { return "typeorm" }
    if text.contains(#/\b(dbmate|goose)\s+(\S+\s+)*up\b/#) { return "dbmate" }
    if text.contains(#/\bflyway\s+(\S+\s+)*migrate\b/#) { return "flyway" }
    if text.contains(#/\batlas\s+migrate\s+apply\b/#) { return "atlas" }
    if text.contains(#/\bsqitch\s+deploy\b/#) { return "sqitch" }
    // A program of the project's own, which only its name tells of.
    if text.contains(#/--apply-migrations\b/#) { return "" }
    if text.contains(#/(^|[\s;&|(\/])(run[_-]?\w*migrations?|migrate)(\.sh|\.mjs|\.js|\.ts|\.py)\b/#) {
      return ""
    }
    if text.contains(
      #/\b(npm\s+run|pnpm|yarn|bun\s+run|npm)\s+(run\s+)?((db:)?migrate(:(deploy|prod|up|latest))?|migration:run)(\s|$)/#
    ) {
      return ""
    }
    return nil
  }

  /// Whether a command makes a schema like the code without migrations that somebody could read.
  static func pushesSchema(_ command: String) -> Bool {
    command.contains(#/\b(prisma\s+db\s+push|drizzle-kit\s+push|migrate\s+reset)\b/#)
      || command.containsAny("--accept-data-loss", "--force-reset")
  }

  /// The end of a command line by which its failure counts for nothing, such as `|| true`.
  static func swallowed(_ command: String) -> String? {
    guard let match = command.firstMatch(of: #/\|\|\s*(true|:|exit\s+0|(echo|printf)\b[^|&]*)\s*[)"';]*\s*$/#)
    else {
      return nil
    }
    let end = String(match.0).trimmed
    return end.count > 24 ? "|| \(end.dropFirst(2).trimmed.prefix { $0 != " " }) …" : end
  }

  /// Whether a command asks an address over HTTP.
  static func asks(_ command: String) -> Bool {
    command.contains(#/(^|[\s;&|(`])(curl|wget)\s/#)
  }

  static func isLocal(_ command: String) -> Bool {
    command.containsAny("localhost", "127.0.0.1", "0.0.0.0")
  }

  /// Commands that do not exist, or do something else than their name says, with what to do instead.
  static func unknown(_ command: String) -> (name: String, message: String)? {
    if command.hasPrefix("echo ") || !command.containsAny("encore", "railway") { return nil }
    if let match = command.firstMatch(
      of: #/(?:^|[\s;&|(])encore\s+app\s+(deploy|rollback|promote|migrate)\b/#)
    {
      return (
        "encore app \(match.1)",
        "there is no `encore app \(match.1)`: it prints help, and without a flag ends with 0, as if it had worked"
      )
    }
    if command.contains(#/(^|[\s;&|(])encore\s+(deploy|rollback|migrate)\b/#) {
      return (
        "encore deploy", "encore has no such command: Encore Cloud deploys what is pushed, or by its API"
      )
    }
    if command.contains(#/(^|[\s;&|(])encore\s+db\s+migrate\b/#) {
      return (
        "encore db migrate",
        "there is no `encore db migrate`: Encore Cloud migrates within each deploy; it prints help and ends with 0"
      )
    }
    if command.contains(#/(^|[\s;&|(])encore\s+run\s+(\S+\s+)*--env\b/#) {
      return ("encore run --env", "`encore run` has no `--env`: it runs the local application alone")
    }
    if command.contains(#/(^|[\s;&|(])railway\s+deploy\b/#), !command.contains(#/\s(-t|--template)\b/#) {
      let flag = command.contains("--force") ? ", and it has no `--force`" : ""
      return (
        "railway deploy", "`railway deploy` installs a template, it deploys no code\(flag): `railway up` does"
      )
    }
    if command.contains(#/(^|[\s;&|(])railway\s+(rollback|promote|migrate)\b/#) {
      return ("railway rollback", "the command line of Railway has no such command")
    }
    return nil
  }
}
