# The native `gatehouse` command and the first process of an agent's container. In a Compose file it joins an agent's namespace, makes its sockets, opens the
# gates and reviews what the agent left. The context is the two published programs.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
# The run directory is the gates': whichever container meets a new volume first, it is theirs. The state is this command's own.
RUN mkdir -p /run/gatehouse /var/lib/gatehouse /srv/agent /srv/etc; chown 1654:1654 /run/gatehouse; chmod 700 /run/gatehouse /var/lib/gatehouse; \
    find / -xdev -perm /6000 -exec chmod a-s {} +
COPY gatehouse gatehouse-init /usr/local/bin/
ENV GATEHOUSE_RUN=/run/gatehouse GATEHOUSE_RUN_OWNER=1654 GATEHOUSE_STATE=/var/lib/gatehouse HOME=/var/lib/gatehouse DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
LABEL org.opencontainers.image.title="Gatehouse sandbox" org.opencontainers.image.licenses="MIT" dev.gatehouse.image="sandbox"
# Network namespaces are made by root with CAP_NET_ADMIN; a composition drops every other capability (deploy/compose).
USER 0:0
ENTRYPOINT ["/usr/local/bin/gatehouse"]
