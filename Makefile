# make demo    sees it all work, on synthetic knees
# make demo-lesions    teaches a network to find lesions of cartilage, on synthetic
#              knees, and searches one that it has not seen
# make test    runs the tests
# make test-benchmarks    tries the benchmarks out on small inputs, as CI does
# make test-networks   the tests of what runs on TensorFlow, as CI does on the other stack:
#              VENV=.venv-addons EXTRAS=addons,test PYTHON=python3.11
# make test-lowest   tests imaging, measuring, records and a training on the lowest
#              versions that setup.py allows, as CI does: VENV=.venv-lowest
#              PYTHON=python3.10 STACK=keras3; STACK=addons: records and a training
# make lint    checks format, style and types
# make docs    builds the documentation into build/site; warnings are errors
# make bench   measures what docs/results.md claims; needs real scans (DEEPRESOLVE_DATA);
#              PEER_PYTHON names an interpreter with torch, monai and torchio;
#              without a GPU, benchmarks/gpu.py says so and does nothing;
#              benchmarks/trust.py, the last one, takes the network of `make demo`
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= dev
STACK ?= keras3
RUN = $(VENV)/bin/python

DEMO ?= demo
DEMO_KNEES ?= 24
DEMO_MINUTES ?= 4
DEMO_LEARN ?= 1
LESION_KNEES ?= 70
LESION_MINUTES ?= 5
BENCH ?= benchmarks/results
PEER = $(if $(PEER_PYTHON),--peer_python=$(PEER_PYTHON))

.PHONY: demo demo-lesions test test-benchmarks test-networks test-lowest lint docs bench install
.DELETE_ON_ERROR:

install: $(VENV)/installed-$(EXTRAS)

$(VENV)/installed-$(EXTRAS): setup.py
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --disable-pip-version-check --quiet --editable '.[$(EXTRAS)]'
	touch $@

demo: install
	mkdir -p $(DEMO)
	$(RUN) -m deepresolve phantom --seed=2026 --side=left \
	    --downsample_factor=3 --output=$(DEMO)/thick.nii.gz
	$(RUN) -m deepresolve predict --minutes=$(DEMO_LEARN) \
	    --input=$(DEMO)/thick.nii.gz --output=$(DEMO)/learned.nii.gz \
	    --preview=$(DEMO)/learned_preview.html
	@echo "A first result: $(DEMO)/learned_preview.html, learned from one scan"
	$(RUN) -m records convert --dataset=phantom --num_subjects=$(DEMO_KNEES) \
	    --phantom_shape=144,144,121 --phantom_spacing_mm=0.8,0.8,0.75 \
	    --second_echo_ms=30 --split=58,10,32 --output=$(DEMO)/records
	$(RUN) train.py --preset=sr_cnn_small --max_minutes=$(DEMO_MINUTES) \
	    --records=$(DEMO)/records --workdir=$(DEMO)/sr
	$(RUN) train.py --preset=seg_cnn_small --max_minutes=$(DEMO_MINUTES) \
	    --records=$(DEMO)/records --workdir=$(DEMO)/seg
	$(RUN) train.py --preset=segnet_2d_small --max_minutes=$(DEMO_MINUTES) \
	    --records=$(DEMO)/records --workdir=$(DEMO)/segnet
	$(RUN) evaluate.py --records=$(DEMO)/records --output=$(DEMO)/report \
	    --sr_workdir=$(DEMO)/sr --seg_workdir=$(DEMO)/seg \
	    --benchmark_workdir=$(DEMO)/segnet --save_volumes
	test -e $(DEMO)/study || $(RUN) -m deepresolve reading prepare \
	    --evaluation=$(DEMO)/report --output=$(DEMO)/study
	$(RUN) -m deepresolve predict --workdir=$(DEMO)/sr \
	    --input=$(DEMO)/thick.nii.gz --output=$(DEMO)/thin.nii.gz \
	    --preview=$(DEMO)/thin_preview.html
	$(RUN) -m deepresolve predict --workdir=$(DEMO)/seg \
	    --input=$(DEMO)/thin.nii.gz --output=$(DEMO)/cartilage.nii.gz
	@echo
	@echo "Report       $(DEMO)/report/report.html (report.md: the same as text)"
	@echo "Scans        $(DEMO)/thick.nii.gz became $(DEMO)/thin.nii.gz"
	@echo "Preview      $(DEMO)/thin_preview.html, both side by side"
	@echo "Learned      $(DEMO)/learned_preview.html, from that scan alone"
	@echo "Cartilage    $(DEMO)/cartilage.nii.gz, a label map on the grid of thin.nii.gz"
	@echo "Curves       $(VENV)/bin/tensorboard --logdir=$(DEMO)"
	@echo "Read them    $(RUN) -m deepresolve reading serve --study=$(DEMO)/study"

# Percentages of 40 knees to learn from, 10 to validate and 20 to test.
LESION_SPLIT = 57.1429,14.2857,28.5714

demo-lesions: install
	$(RUN) -m records convert --dataset=phantom --num_subjects=$(LESION_KNEES) \
	    --lesions=cartilage,meniscus --lesion_share=0.6 \
	    --split=$(LESION_SPLIT) --output=$(DEMO)/lesion_knees
	$(RUN) -m records convert --dataset=rois --regions=cartilage --most_without=40 \
	    --source=$(DEMO)/lesion_knees --output=$(DEMO)/cartilage_pieces
	$(RUN) train.py --preset=cartilage_lesion --max_minutes=$(LESION_MINUTES) \
	    --records=$(DEMO)/cartilage_pieces --workdir=$(DEMO)/cartilage_lesion
	$(RUN) evaluate.py --records=$(DEMO)/cartilage_pieces --split=validation \
	    --workdir=$(DEMO)/cartilage_lesion --output=$(DEMO)/cartilage_validation
	$(RUN) evaluate.py --records=$(DEMO)/cartilage_pieces \
	    --thresholds=$(DEMO)/cartilage_validation \
	    --workdir=$(DEMO)/cartilage_lesion --output=$(DEMO)/cartilage_report
	$(RUN) -m deepresolve phantom --seed=2026 --lesions=cartilage \
	    --output=$(DEMO)/with_lesion.nii.gz
	$(RUN) -m deepresolve lesions --workdir=$(DEMO)/cartilage_lesion \
	    --input=$(DEMO)/with_lesion.nii.gz --output=$(DEMO)/lesions
	@echo
	@echo "Cartilage    $(DEMO)/cartilage_report/report.html: pieces of knees not seen"
	@echo "A new knee   $(DEMO)/lesions/with_lesion_lesion.png and lesions.csv, of $(DEMO)/with_lesion.nii.gz"

# Each file's tests stay together, slow files begin first. Threads of BLAS that wait for
# cores of which other tests make use took six times as long for the same matrices.
PYTEST = OPENBLAS_NUM_THREADS=1 $(RUN) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test: install
	$(PYTEST) --ignore=tests/benchmarks

test-benchmarks: install
	$(PYTEST) tests/benchmarks

test-networks: install
	$(PYTEST) --ignore=tests/tasks/segmentation/knee $(addprefix tests/,evaluation \
	    inference networks pipeline runs serving tasks training test_evaluate.py \
	    test_keras_settings.py test_train.py \
	    commands/test_export.py commands/test_predict.py \
	    records/test_conversion.py records/test_reader.py)

# Of what runs on NumPy the lowest versions are one for both stacks.
LOWEST_keras3 = imaging quantification world
# Old packages warn of what newer ones below them give up.
test-lowest: $(VENV)/lowest-$(STACK)
	$(PYTEST) -W ignore::DeprecationWarning $(addprefix tests/,$(LOWEST_$(STACK)) \
	    records/datasets records/test_conversion.py records/test_reader.py \
	    training/test_fit.py)

$(VENV)/lowest-$(STACK): setup.py .ci/lowest.py
	$(PYTHON) -m venv $(VENV)
	$(RUN) .ci/lowest.py $(STACK),test > $(VENV)/lowest.txt
	$(RUN) -m pip install --disable-pip-version-check --quiet \
	    --constraint $(VENV)/lowest.txt --editable '.[$(STACK),test]'
	touch $@

lint: install
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

# The variable silences an advertisement of the theme's makers.
docs: install
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build
	@echo "Documentation  build/site/index.html"

bench: install
	$(RUN) benchmarks/self_sr.py --output=$(BENCH)/self_sr
	$(RUN) benchmarks/real_scan.py --scan=brain --output=$(BENCH)/brain
	$(RUN) benchmarks/real_scan.py --scan=knee --output=$(BENCH)/knee
	$(RUN) benchmarks/segmentation.py --output=$(BENCH)/seg_cnn $(PEER)
	$(RUN) benchmarks/training_steps.py --output=$(BENCH)/training_steps
	$(RUN) benchmarks/thickness.py --output=$(BENCH)/thickness
	$(RUN) benchmarks/intervals.py
	$(RUN) benchmarks/detectability.py --output=$(BENCH)/detectability
	$(RUN) benchmarks/relaxometry.py --output=$(BENCH)/relaxometry --seeds=1,2
	$(RUN) benchmarks/input_pipeline.py --output=$(BENCH)/input_pipeline $(PEER)
	$(RUN) benchmarks/inference.py --output=$(BENCH)/inference $(PEER) \
	    --workdir=$(BENCH)/brain/run --scan=$(BENCH)/brain/scans/brain_test.nii.gz
	$(RUN) benchmarks/serving.py --output=$(BENCH)/serving
	$(RUN) benchmarks/reading.py --output=$(BENCH)/reading
	$(RUN) benchmarks/convert.py --output=$(BENCH)/convert
	$(RUN) benchmarks/command_memory.py --output=$(BENCH)/memory
	$(RUN) benchmarks/endurance.py --output=$(BENCH)/endurance
	$(RUN) benchmarks/reader_study.py --output=$(BENCH)/reader_study
	$(RUN) benchmarks/environments.py --output=$(BENCH)/environments
	$(RUN) benchmarks/gpu.py --output=$(BENCH)/gpu
	$(RUN) benchmarks/trust.py --workdir=$(DEMO)/sr --output=$(BENCH)/trust
