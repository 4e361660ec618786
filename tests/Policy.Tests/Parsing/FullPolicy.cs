namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>A policy that uses every key there is.</summary>
internal static class FullPolicy
{
    public const string Yaml = """
        version: 1
        agent:
          command: [claude, --print]
          isolation: docker
          image: gatehouse/agent
          runtime: runsc
          environment: { TERM: "${TERM}", EMPTY: "", SWITCH: on, ANSWER: no, PRICE: 1.10, LD_PRELOAD: x.so }
          limits: { memory: 4GiB, processes: 512, cpus: 1.5, duration: 1h30m }
          publish: [{ inside: 18789, host: "127.0.0.1:18789" }]
        filesystem:
          inputs:     [{ host: ~/docs, at: /docs }]
          workspaces:
            - { host: ., at: /workspace, mode: overlay }
            - { host: ../other, at: /other, mode: worktree }
          scratch:    [{ at: /tmp, size: 512MiB }]
          hide:       ["**/.env", "**/.env.*", "**/*.pem"]
        egress:
          allow:
            - host: api.github.com
            - host: "*.nuget.org"
            - { host: registry.npmjs.org, methods: [GET, HEAD], paths: ["/**"] }
            - { host: github.com, ports: [22] }
            - { address: 10.1.2.3/32, ports: [5432] }
            - { host: demo.test, connect: "127.0.0.1:8443", trust: ca.pem }
        secrets:
          - name: anthropic
            upstream: https://api.anthropic.com
            from: env:ANTHROPIC_API_KEY
            inject: { header: x-api-key, value: "{secret}" }
            expose: { ANTHROPIC_BASE_URL: "{url}", ANTHROPIC_API_KEY: "placeholder" }
            allow:
              - { method: POST, path: /v1/messages, body: { model: ["claude-haiku-*"], max_tokens: { max: 8192 } } }
              - method: [GET, HEAD]
                path: /v1/models/*
                headers: { Anthropic-Version: "2023-*" }
                query: { beta: ["true", "false"] }
            limits: { requestsPerMinute: 60, bytesPerDay: 50MiB, tokensPerDay: 2000000 }
            trust: anthropic.pem
        execution:
          allow: [bash, git, /usr/bin/rg]
        logging:
          whenUnavailable: spool
        """;
}
