# Packages the machine as an IP for Vivado's block designs. In the folder that has this file:
#     vivado -mode batch -source create_ip.tcl
# The IP is in the folder ip. Its interfaces: s_axi, the registers (AXI4-Lite); axi, the port to external memory
# (AXI4, 32 bits of address); clock and reset, of which the latter is high while it lasts; done, an interrupt.
# The commands are those of UG835 and UG1118. It has not been run: nobody here has Vivado.
create_project -force package_ip ./package_ip -part /*PART*/
add_files -norecurse /*TOP*/.v
set_property top /*TOP*/ [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir ./ip -vendor tilewright -library user -taxonomy /UserIP -import_files -set_current true
set core [ipx::current_core]
set_property name /*TOP*/ $core
set_property display_name "Tilewright /*MACHINE*/" $core
foreach interface {s_axi axi} {
    ipx::associate_bus_interfaces -busif $interface -clock clock $core
}
ipx::infer_bus_interface clock xilinx.com:signal:clock_rtl:1.0 $core
ipx::infer_bus_interface reset xilinx.com:signal:reset_rtl:1.0 $core
set polarity [ipx::add_bus_parameter POLARITY [ipx::get_bus_interfaces reset -of_objects $core]]
set_property value ACTIVE_HIGH $polarity
ipx::infer_bus_interface done xilinx.com:signal:interrupt_rtl:1.0 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::save_core $core
close_project
