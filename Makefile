# `make demo` and `make test` set everything up by themselves; the environment lives in .venv.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
# The program that bench-alignment compares with, apart from everything of ours.
OFFICIAL := .venv-official
# The networks' environment, for tests and benchmarks; TORCH=auto takes the build for the graphics card.
NEURAL := .venv-neural
TORCH ?= cpu
# One thread per BLAS call: two on a busy two-core machine are several times slower.
export OPENBLAS_NUM_THREADS ?= 1
# Real photo sets for the slow tests and the benchmarks: a folder per set, photos in images/.
DATA ?= ../shared/data

.PHONY: help setup setup-neural test test-slow test-install test-neural test-blender test-gui docs-pictures lint format build lock bench-alignment bench-neural bench-dga-ablation bench-dga bench-pairs bench-pipeline bench-interaction bench-prompt bench-blender bench-photos bench-segmentation bench-nvos demo samples samples-extra clean
help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

$(VENV)/.ready: vendor/dev.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed (set PYTHON=/path/to/python3.11)."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r vendor/dev.lock
	@$(PY) -c "import bpy" || { echo "Blender's module needs a system library that is missing (named above). On Debian: apt-get install libx11-6 libxi6 libxxf86vm1 libxfixes3 libxrender1 libxkbcommon0 libsm6 libice6 libgl1 libegl1"; exit 1; }
	@touch $@

setup: $(VENV)/.ready ## make the environment only

$(NEURAL)/.ready: $(VENV)/.ready $(wildcard vendor/neural/*.lock) vendor/neural/torch.in vendor/neural-tests.lock
	$(PY) tools/neural_environment.py $(NEURAL) --torch-backend $(TORCH)
	@touch $@

# With DUSt3R's code, which is for non-commercial use. Another environment can be named instead.
setup-neural: setup $(if $(WILDSEG3D_NEURAL_PYTHON),,$(NEURAL)/.ready) ## make the networks' environment only (1.4 GB); TORCH=auto for a graphics card

# A machine without room for the networks' environment still runs the rest: pytest names what it skips, and why.
test: setup lint ## every check that has to pass
	@$(MAKE) --no-print-directory setup-neural || echo "The networks' tests are skipped: see above why."
	$(PY) -m pytest -m "not slow"

test-slow: setup-neural ## heavy checks, real photos where DATA= points to them
	WILDSEG3D_DATA=$(DATA) $(PY) -m pytest -m slow

test-neural: setup-neural ## the networks at tiny and at full size; WILDSEG3D_NEURAL_PYTHON= for another environment
	$(PY) -m pytest tests/test_neural.py

test-install: setup ## the true neural environment: made, killed, finished, removed; WHEELS=folder with a torch wheel
	WILDSEG3D_TORCH_WHEELS=$(or $(WHEELS),auto) $(PY) -m pytest -m slow tests/test_neural_environment.py

test-blender: setup ## the add-on's tests under Blender 4.2, 4.5, 5.0 and 5.2, each in its own environment
	$(PY) tests/blender_versions.py

test-gui: build ## the artist's whole way in a real Blender, by mouse and keyboard; BLENDER= names it, pictures in gui-test/
	WILDSEG3D_BLENDER="$(or $(BLENDER),blender)" $(PY) -m pytest -x tests/gui

docs-pictures: test-gui ## the guide's pictures, taken anew by the GUI test
	$(PY) tools/docs_pictures.py

lint: setup ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: setup ## apply the style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

build: setup ## the extension's zip in dist/, for this system or PLATFORM=linux-x64, windows-x64, macos-arm64
	$(PY) tools/build_extension.py $(if $(PLATFORM),--platform $(PLATFORM))

# The user's own settings and pyproject.toml's overrides are not the neural environment's.
NEURAL_LOCK := ../../$(VENV)/bin/uv pip compile --quiet --no-config --python-version 3.11 --universal --generate-hashes \
	--no-header --no-emit-index-url --no-annotate
lock: setup ## renew vendor/*.lock from pyproject.toml, vendor/neural/*.lock from the .in files there
	$(VENV)/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --group dev --output-file vendor/dev.lock pyproject.toml
	$(PY) tools/fetch_wheels.py --lock
	cd vendor/neural && grep -v '^numpy==' ../dev.lock | sed -n 's/^\([^ ]*==[^ ]*\).*/\1/p' > tested.txt && \
		echo uv | $(NEURAL_LOCK) -c tested.txt -o uv.lock - && \
		$(NEURAL_LOCK) --excludes excludes.txt -c tested.txt -o requirements.lock requirements.in && \
		$(NEURAL_LOCK) --excludes excludes.txt -c requirements.lock -o dust3r.lock dust3r.in && \
		grep -x torch excludes.txt > torch.txt && \
		$(NEURAL_LOCK) --excludes torch.txt -c requirements.lock -c tested.txt -o ../neural-tests.lock ../neural-tests.in; \
		rm -f tested.txt torch.txt

bench-dga: setup ## where DGA's weights help and where not, over ten seeds
	$(PY) -m benchmarks.dga_weights

bench-pairs: setup ## overlapping pairs found among those kept, on rendered circles and the photo sets in DATA=
	$(PY) -m benchmarks.pair_selection $(DATA)

bench-pipeline: setup ## speed and memory, photos to Blender objects; DATA= holds the photo sets
	$(PY) -m benchmarks.pipeline $(DATA)

bench-interaction: setup ## what an artist waits for after a click; SCENE= a scene folder, or the samples are reconstructed
	$(PY) -m benchmarks.interaction $(SCENE)

bench-prompt: setup ## from a prompt in Blender to its preview; SCENE= a scene folder
	$(PY) benchmarks/prompt_latency.py $(SCENE)

bench-blender: setup ## what importing and splitting points cost inside Blender, beside Blender's own means
	$(PY) -m benchmarks.blender

bench-photos: setup ## photos placed, right and densely measured, per photo set in DATA=
	$(PY) -m benchmarks.real_photos $(DATA) --wide

$(OFFICIAL)/.ready: benchmarks/official/requirements.txt benchmarks/official/requirements-no-deps.txt
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/official/requirements.txt
	$(OFFICIAL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/official/requirements-no-deps.txt
	@touch $@

bench-alignment: setup $(OFFICIAL)/.ready ## alignment beside DUSt3R's optimizer, in benchmarks/out; SEEDS=10 for all of it (hours)
	$(PY) -m benchmarks.alignment --seeds $(or $(SEEDS),1)

bench-neural: setup-neural ## DUSt3R and SAM 2 beside their official inference; SIZE=full for the published sizes
	$(PY) -m benchmarks.neural --size $(or $(SIZE),small)

bench-dga-ablation: setup ## mIoU over alpha_p and alpha_n, and pictures, in benchmarks/out; NVOS= SPIN= LLFF= for those sets
	$(PY) -m benchmarks.dga_ablation $(if $(wildcard $(DATA)),--data $(DATA)) $(if $(NVOS),--nvos "$(NVOS)") \
		$(if $(SPIN),--spin "$(SPIN)") $(if $(LLFF),--llff "$(LLFF)") $(if $(SEEDS),--seeds $(SEEDS))

bench-segmentation: setup ## IoU after 1, 3, 5 clicks and a box, beside GrabCut carried over by 3D; mask cache; times; pictures; DATA= holds the photo sets
	$(PY) -m benchmarks.segmentation --data $(DATA) $(if $(SCENES),--scenes "$(SCENES)")

bench-nvos: setup ## the paper's table beside ours; NVOS= its annotations, LLFF= the photos, ALPHAS=all for the ablation, TRUTH=sam2 as in the paper
	$(PY) -m benchmarks.nvos --nvos "$(NVOS)" $(if $(LLFF),--llff "$(LLFF)") $(if $(TRUTH),--truth "$(TRUTH)") \
		$(if $(ALPHAS),--alphas $(filter-out all,$(ALPHAS)))

demo: setup ## the sample photos -> demo/; or PHOTOS=dir, and CLICK=view:x,y to say on what
	$(PY) -m samples.demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(CLICK),--click "$(CLICK)")

samples: setup ## render the sample photos and their truth again (half an hour)
	$(PY) -m samples.render_table

samples-extra: setup ## render the samples that only benchmarks use, into samples/generated; SCENE=garden or shelf for one
	$(PY) -m samples.render_extra $(SCENE)

clean: ## remove what the targets above made
	rm -rf $(VENV) $(VENV)-bpy?? $(OFFICIAL) $(NEURAL) demo gui-test dist vendor/wheels
