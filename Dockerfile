# stillpix in a container: finds in a mounted folder, or serves its page.
#   docker build -t stillpix .
#   docker run --rm -v "$PWD/Pictures:/photos" -v stillpix:/library stillpix find /photos
FROM python:3.12-slim

COPY pyproject.toml README.md LICENSE /source/
COPY docs/man /source/docs/man
COPY src /source/src
RUN pip install --no-cache-dir "/source[fits,heif]" && rm -r /source

# Maps and evidence, and the compiled kernels. Both may be written by any user (docker run --user).
ENV STILLPIX_LIBRARY=/library NUMBA_CACHE_DIR=/kernels
RUN mkdir /library /kernels /photos \
    && stillpix demo /demo --photos 4 \
    && rm -r /demo \
    && chmod -R a+rwX /library /kernels
VOLUME /library
WORKDIR /photos
ENTRYPOINT ["stillpix"]
CMD ["--help"]
